# runtime/syncmap_cell.h swaps 16 bytes at once. Every x86-64 processor since 2006 does that inline, if GCC may assume so;
# aarch64 does; elsewhere libatomic.
include(CheckCSourceCompiles)
if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
    add_compile_options(-mcx16)
else()
    check_c_source_compiles(
        "#ifndef __GCC_HAVE_SYNC_COMPARE_AND_SWAP_16\n#error\n#endif\nint main(void) { return 0; }" HAVE_SWAP_16)
    if(NOT HAVE_SWAP_16)
        link_libraries(atomic)
    endif()
endif()
