#include "common/core/must.h"

#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static int evaluated;

static void break_a_rule(void)
{
    MUST(evaluated > 1000);
}

static void come_where_nobody_comes(void)
{
    MUST_NOT_REACH();
}

/* Runs it in a child and returns how the child ended, with the first line that it wrote to stderr. */
static int end_of(void (*function)(void), char *line, size_t size)
{
    int ends[2];
    MUST(pipe(ends) == 0);
    pid_t child = fork();
    MUST(child >= 0);
    if (child == 0) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        dup2(ends[1], STDERR_FILENO);
        function();
        _exit(0);
    }
    close(ends[1]);
    ssize_t got = read(ends[0], line, size - 1);
    line[got > 0 ? got : 0] = '\0';
    close(ends[0]);
    int status;
    MUST(waitpid(child, &status, 0) == child);
    return status;
}

static void a_bug_ends_the_process_and_says_where(void **state UNUSED)
{
    char line[256];
    int status = end_of(break_a_rule, line, sizeof line);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_non_null(strstr(line, "tests/unit/must.c:"));
    assert_non_null(strstr(line, "evaluated > 1000"));
    assert_null(strstr(line, "//"));
    assert_true(line[0] != '/');
}

static void control_that_came_where_it_cannot_ends_the_process(void **state UNUSED)
{
    char line[256];
    int status = end_of(come_where_nobody_comes, line, sizeof line);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_non_null(strstr(line, "not reached"));
}

static void a_condition_is_evaluated_once(void **state UNUSED)
{
    evaluated = 0;
    MUST(++evaluated == 1);
    assert_int_equal(evaluated, 1);
}

static void arrays_know_their_length(void **state UNUSED)
{
    int seven[7];
    struct {
        char text[3];
    } inside[2];
    assert_int_equal(ARRAY_LENGTH(seven), 7);
    assert_int_equal(ARRAY_LENGTH(inside), 2);
    assert_int_equal(ARRAY_LENGTH(inside[0].text), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bug_ends_the_process_and_says_where),
        cmocka_unit_test(control_that_came_where_it_cannot_ends_the_process),
        cmocka_unit_test(a_condition_is_evaluated_once),
        cmocka_unit_test(arrays_know_their_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
