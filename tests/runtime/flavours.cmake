# Histories of the concurrent maps and their checker.
add_library(linearizability STATIC runtime/linearizability.c)
target_include_directories(linearizability PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
foreach(test test_linearizability test_flavour_histories)
    target_link_libraries(${test} PRIVATE linearizability)
endforeach()
