/* What ends the process, and three small words of C that every file needs.
 *
 * A bug in our own code meets MUST() and ends the process, in release builds too. Input never does: nothing that came
 * over a socket, out of a file or out of Redis is asserted on; it is refused with a fault. */
#ifndef CORE_MUST_H
#define CORE_MUST_H

/* Ends the process with file, line and expression on stderr unless the condition holds. Always evaluated, exactly once.
 */
#define MUST(condition) (__builtin_expect(!!(condition), 1) ? (void)0 : must_fail(__FILE__, __LINE__, #condition))

/* Stands where control cannot come, such as after a switch that names every value. */
#define MUST_NOT_REACH() must_fail(__FILE__, __LINE__, "not reached")

/* The process ends here with this sentence; for what MUST cannot say in an expression. */
#define MUST_FAIL(sentence) must_fail(__FILE__, __LINE__, sentence)

#define UNUSED __attribute__((unused))

/* The number of elements of a true array; a pointer does not compile. */
#define ARRAY_LENGTH(array) (sizeof(array) / sizeof((array)[0]) + 0 * sizeof(MUST_BE_ARRAY(array)))

#define MUST_BE_ARRAY(array)                                                                                           \
    struct {                                                                                                           \
        _Static_assert(!__builtin_types_compatible_p(__typeof__(array), __typeof__(&(array)[0])), "not an array");     \
        char one;                                                                                                      \
    }

void must_fail(const char *file, int line, const char *what) __attribute__((noreturn, cold));

#endif
