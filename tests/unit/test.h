/* cmocka with the headers it wants, and what every table of rows needs: the name of the row that failed. */
#ifndef UNIT_TEST_H
#define UNIT_TEST_H

#include "common/core/must.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Asserts for one row of a table: on failure, prints the row's name first. */
#define ASSERT_ROW(name, condition)                                                                                    \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            print_error("row \"%s\": ", (name));                                                                       \
            _assert_true(0, #condition, __FILE__, __LINE__);                                                           \
        }                                                                                                              \
    } while (0)

#endif
