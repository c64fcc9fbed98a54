# cmake --install: the program, the libraries, what is needed to compile against them, manual pages. What is
# installed names no path: the tree can be moved as a whole. Folders are those of GNUInstallDirs.
install(TARGETS mapscope-cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS mapscope mapscope-lttng EXPORT mapscope-config LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS mapscope-preload mapscope-daemons LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} NAMELINK_SKIP) # nobody links with them
set_target_properties(mapscope-preload mapscope-lttng PROPERTIES INSTALL_RPATH "$ORIGIN") # finds libmapscope beside it
install(DIRECTORY src/include/mapscope DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")

install(FILES src/gdb/mapscope_gdb.py src/gdb/mapscope_gdb_flavours.py DESTINATION ${CMAKE_INSTALL_DATADIR}/mapscope)

# Reproducible: the debug information names our files as they are named in the source tree.
foreach(folder src exporters src/cli)
    get_property(targets DIRECTORY ${folder} PROPERTY BUILDSYSTEM_TARGETS)
    foreach(target ${targets})
        target_compile_options(${target} PRIVATE -ffile-prefix-map=${CMAKE_SOURCE_DIR}/=
            -ffile-prefix-map=${CMAKE_BINARY_DIR}=build)
    endforeach()
endforeach()

set(pkgconfig_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH to_prefix /${pkgconfig_dir} /)
foreach(library mapscope mapscope-lttng)
    configure_file(cmake/${library}.pc.in ${library}.pc @ONLY)
    install(FILES ${CMAKE_BINARY_DIR}/${library}.pc DESTINATION ${pkgconfig_dir})
endforeach()

include(CMakePackageConfigHelpers)
write_basic_package_version_file(mapscope-config-version.cmake COMPATIBILITY SameMinorVersion)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/mapscope)
install(EXPORT mapscope-config NAMESPACE mapscope:: DESTINATION ${package_dir})
install(FILES ${CMAKE_BINARY_DIR}/mapscope-config-version.cmake DESTINATION ${package_dir})

file(GLOB manual_pages CONFIGURE_DEPENDS man/*.1)
install(FILES ${manual_pages} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
file(GLOB documents CONFIGURE_DEPENDS docs/*.md)
install(FILES LICENSE README.md CHANGELOG.md ${documents} DESTINATION ${CMAKE_INSTALL_DOCDIR})

# Programs of a user are compiled without the sanitizers that our libraries would need.
if(BUILD_TESTING AND NOT MAPSCOPE_SANITIZE)
    msc_script_test(${CMAKE_SOURCE_DIR}/tests/install/test_install.sh)
endif()
