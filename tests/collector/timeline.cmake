# What the tests of the timeline's drawing share.
add_library(timeline_fixture STATIC collector/timeline_fixture.c)
msc_private_includes(timeline_fixture)
target_include_directories(timeline_fixture PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
target_link_libraries(timeline_fixture PUBLIC msc_collector msc_model PkgConfig::CMOCKA)
foreach(theme timeline timeline_maps timeline_actions timeline_locks timeline_stories timeline_random)
    target_link_libraries(test_${theme} PRIVATE timeline_fixture)
endforeach()
