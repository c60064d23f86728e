# How Casebus is built: warnings, hardening, sanitizers, and the four kinds of target (library, service, tool, test).

find_package(PkgConfig REQUIRED)
foreach(package libzmq libczmq libprotobuf-c hiredis json-c libsodium libmicrohttpd libcurl inih)
    string(MAKE_C_IDENTIFIER ${package} name)
    pkg_check_modules(${name} REQUIRED IMPORTED_TARGET ${package})
    # Folders of headers that libzmq uses inside. They come as flags at the first configuration and as folders at the second, which
    # would build everything anew.
    get_target_property(folders PkgConfig::${name} INTERFACE_INCLUDE_DIRECTORIES)
    list(FILTER folders EXCLUDE REGEX "mit-krb5|NOTFOUND")
    set_target_properties(PkgConfig::${name} PROPERTIES INTERFACE_COMPILE_OPTIONS "" INTERFACE_INCLUDE_DIRECTORIES "${folders}")
endforeach()
pkg_check_modules(cmocka REQUIRED IMPORTED_TARGET cmocka)

set(CASEBUS_SANITIZE "" CACHE STRING "Sanitizers for every target, e.g. address,undefined")
set(CASEBUS_GENERATED ${CMAKE_BINARY_DIR}/generated)

# Paths in diagnostics and assertions are written from the repository root, so a build says the same on every machine.
add_compile_options(-fmacro-prefix-map=${CMAKE_SOURCE_DIR}/=)
include_directories(${CMAKE_SOURCE_DIR} ${CASEBUS_GENERATED})

# The fuzz preset: what libFuzzer counts is in every library, and only the programs of tests/fuzz have its main.
option(CASEBUS_FUZZ "Build the fuzz targets (needs clang)" OFF)
if(CASEBUS_FUZZ)
    if(NOT CMAKE_C_COMPILER_ID STREQUAL "Clang")
        message(FATAL_ERROR "libFuzzer belongs to clang: configure with the preset `fuzz`")
    endif()
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(CASEBUS_SANITIZE)
    add_compile_options(-fsanitize=${CASEBUS_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
    add_link_options(-fsanitize=${CASEBUS_SANITIZE})
endif()
if(CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
    add_compile_options(-D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection -fcf-protection -fPIE)
    add_link_options(-pie -Wl,-z,relro,-z,now)
endif()

# On for our code, off for generated code.
set(CASEBUS_WARNINGS
    -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wwrite-strings -Wvla
    -Wformat=2 -Wundef -Wswitch-enum -Wduplicated-cond -Wlogical-op -Wimplicit-fallthrough
    -Wno-format-nonliteral -Wno-missing-field-initializers)
if(CMAKE_C_COMPILER_ID STREQUAL "Clang")
    list(REMOVE_ITEM CASEBUS_WARNINGS -Wduplicated-cond -Wlogical-op) # gcc's own
endif()

function(casebus_warnings target)
    target_compile_options(${target} PRIVATE ${CASEBUS_WARNINGS})
endfunction()

# casebus_library(name SOURCES a.c ... [DEPS target ...])
function(casebus_library name)
    cmake_parse_arguments(arg "" "" "SOURCES;DEPS" ${ARGN})
    add_library(${name} STATIC ${arg_SOURCES})
    target_link_libraries(${name} PUBLIC ${arg_DEPS})
    casebus_warnings(${name})
endfunction()

# casebus_program(name SOURCES a.c ... [DEPS target ...]): a binary in build/<preset>/bin.
function(casebus_program name)
    cmake_parse_arguments(arg "" "" "SOURCES;DEPS" ${ARGN})
    add_executable(${name} ${arg_SOURCES})
    target_link_libraries(${name} PRIVATE ${arg_DEPS})
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
    casebus_warnings(${name})
endfunction()

# casebus_service(name SOURCES a.c ... [DEPS ...]): a library of rules `<name>_rules`, so that tests link the rules alone,
# and the executable `casebus-<name>` made of it and the runtime.
function(casebus_service name)
    cmake_parse_arguments(arg "" "" "SOURCES;DEPS" ${ARGN})
    casebus_library(${name}_rules SOURCES ${arg_SOURCES} DEPS decision contract ${arg_DEPS})
    if(TARGET service)
        casebus_program(casebus-${name} SOURCES main.c DEPS ${name}_rules service)
    endif()
endfunction()

# casebus_test(name [SOURCES a.c ...] [DEPS ...] [LABELS ...]): a cmocka program, run by ctest from the repository root.
function(casebus_test name)
    cmake_parse_arguments(arg "" "" "SOURCES;DEPS;LABELS" ${ARGN})
    if(NOT arg_SOURCES)
        set(arg_SOURCES ${name}.c)
    endif()
    add_executable(test_${name} ${arg_SOURCES})
    target_link_libraries(test_${name} PRIVATE ${arg_DEPS} PkgConfig::cmocka)
    # A test that looks something up and does not find it may end by a fault of its own: that is a failed test, not a warning.
    target_compile_options(test_${name} PRIVATE ${CASEBUS_WARNINGS})
    add_test(NAME ${name} COMMAND test_${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    set_tests_properties(${name} PROPERTIES LABELS "${arg_LABELS}"
        ENVIRONMENT "SUITE_BUILD=${CMAKE_BINARY_DIR};SUITE_SHARED=${CMAKE_SOURCE_DIR}/../shared")
endfunction()

# casebus_suite_test(...): the same for a test that runs a whole suite, which wants the machine for itself.
function(casebus_suite_test name)
    casebus_test(${name} ${ARGN})
    set_tests_properties(${name} PROPERTIES RUN_SERIAL ON)
endfunction()
