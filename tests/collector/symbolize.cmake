# What the tests of the symboliser share, and the programs whose addresses they resolve.
add_library(symbolize_programs STATIC collector/symbolize_programs.c)
msc_private_includes(symbolize_programs)
target_include_directories(symbolize_programs PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
target_link_libraries(symbolize_programs PUBLIC msc_collector PkgConfig::CMOCKA)
foreach(name test_symbolize test_symbolize_file)
    target_link_libraries(${name} PRIVATE symbolize_programs)
endforeach()
add_subdirectory(collector/symbols)
