# msc_layer(NAME dir [target...]): a static library from every .c below <dir>, seeing src/ and what it links.
# A shared include root lets a layer reach what it must not know: cmake/check_layers.sh forbids that.
function(msc_layer name dir)
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${dir}/*.c)
    if(NOT sources)
        file(WRITE ${CMAKE_BINARY_DIR}/${name}_empty.c "typedef int ${name}_empty;\n")
        set(sources ${CMAKE_BINARY_DIR}/${name}_empty.c)
    endif()
    add_library(${name} STATIC ${sources})
    msc_private_includes(${name})
    target_link_libraries(${name} PUBLIC ${ARGN})
endfunction()

function(msc_private_includes target)
    target_compile_definitions(${target} PRIVATE _GNU_SOURCE)
    target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR})
endfunction()

# msc_test(file.c layer [library...]): one test program, one process, named after its file.
function(msc_test file)
    get_filename_component(name ${file} NAME_WE)
    add_executable(${name} ${file})
    msc_private_includes(${name})
    target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
    target_link_libraries(${name} PRIVATE ${ARGN} PkgConfig::CMOCKA Threads::Threads)
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
    add_test(NAME ${name} COMMAND ${name})
    set_tests_properties(${name} PROPERTIES TIMEOUT 120)
endfunction()

# msc_script_test(file.sh): an end-to-end test; gets the build folder as its argument.
function(msc_script_test file)
    get_filename_component(name ${file} NAME_WE)
    add_test(NAME ${name} COMMAND ${file} ${CMAKE_BINARY_DIR})
    set_tests_properties(${name} PROPERTIES TIMEOUT 300)
endfunction()
