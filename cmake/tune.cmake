# Offline, small structs are cleared by the hundred million. GCC's generic tuning has `rep stos` for that, which takes 30
# cycles to begin; tuning for newer processors changes which of the instructions that all of them have are taken.
include(CheckCCompilerFlag)
check_c_compiler_flag(-mtune=icelake-server MAPSCOPE_HAS_TUNING)

# msc_tune(target...): what runs offline.
function(msc_tune)
    foreach(target ${ARGN})
        if(MAPSCOPE_HAS_TUNING)
            target_compile_options(${target} PRIVATE -mtune=icelake-server)
        endif()
    endforeach()
endfunction()
