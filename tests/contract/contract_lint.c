/* A contract that breaks its own rules does not build. Each row is a small .proto, made into a descriptor set by protoc
 * and given to contract_generate; a failing row prints what the generator said. */
#include "common/core/must.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define HEAD                                                                                                           \
    "syntax = \"proto2\";\npackage casebus.bad.v1;\nimport \"proto/options.proto\";\n"                                 \
    "option (casebus.v1.service) = {name: \"bad\"};\n"
#define THING                                                                                                          \
    "message Thing { option (casebus.v1.aggregate) = {root: \"id\" key: \"id\" schema: 1}; optional string id = 1; "   \
    "}\n"

static char folder[] = "/tmp/casebus-lint-XXXXXX";

static int set_up(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    char command[256];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

/* Runs a command line and keeps what it says. */
static int run(const char *command, char *said, size_t size)
{
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    size_t got = fread(said, 1, size - 1, pipe);
    said[got] = '\0';
    int status = pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int generate(const char *proto, char *said, size_t size)
{
    char path[256];
    char command[1024];
    const char *build = getenv("SUITE_BUILD");
    const char *protoc = getenv("PROTOC");
    assert_non_null(build);
    snprintf(path, sizeof path, "%s/bad.proto", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(proto, file);
    assert_int_equal(fclose(file), 0);
    snprintf(command, sizeof command,
        "%s --include_source_info --include_imports --descriptor_set_out=%s/bad.desc -I . -I /usr/include -I %s %s "
        "2>&1",
        protoc != NULL ? protoc : "protoc", folder, folder, path);
    if (run(command, said, size) != 0) {
        fail_msg("protoc: %s\n%s", said, proto);
    }
    snprintf(command, sizeof command, "'%s'/bin/contract_generate %s/bad.desc %s/tables.c 2>&1", build, folder, folder);
    return run(command, said, size);
}

static void a_good_contract_is_written(void **state)
{
    (void)state;
    char said[4096];
    int status = generate(HEAD THING, said, sizeof said);
    assert_string_equal(said, "");
    assert_int_equal(status, 0);
}

static void a_contract_that_breaks_its_rules_is_refused_with_the_place(void **state)
{
    (void)state;
    static const struct {
        const char *proto, *sentence;
    } ROWS[] = {
        {"syntax = \"proto3\";\npackage casebus.bad.v1;\nmessage A { int32 a = 1; }",
            "bad.proto: syntax is proto3, the contract is written in proto2"},
        {"syntax = \"proto2\";\npackage other.bad;\nmessage A {}",
            "bad.proto: package \"other.bad\" is not of the form casebus.<name>.v<major>"},
        {"syntax = \"proto2\";\npackage casebus.bad.v2;\nimport \"proto/options.proto\";\nmessage A { optional int32 a "
         "= 1 [(casebus.v1.rule) = {min: 1}]; }",
            "package casebus.bad.v2 has another major than casebus.v1"},
        {HEAD "message A { required int32 a = 1; }", "bad.proto: A.a: `required` can never be taken back"},
        {HEAD "message A { optional A a = 1; }", "bad.proto: A: contains itself"},
        {HEAD "message A { optional B b = 1; } message B { repeated A a = 1; }", "bad.proto: B: contains itself"},
        {HEAD "message A { optional B x = 1; } message B { optional C x = 1; } message C { optional D x = 1; } message "
              "D { optional E x = 1; }"
              "message E { optional F x = 1; } message F { optional G x = 1; } message G { optional H x = 1; } message "
              "H { optional I x = 1; } message I {}",
            "bad.proto: A: nests deeper than the 8 messages that the guard lets through"},
        {HEAD "message A { optional int32 aB = 1; }", "bad.proto: A.aB: field names are written in lower_snake"},
        {HEAD "message A { optional int32 a__b = 1; }", "bad.proto: A.a__b: field names are written in lower_snake"},
        {HEAD "message A { optional int32 a1 = 1; optional int32 a_1 = 2; }",
            "bad.proto: A.a_1: a1 would have the same name in JSON"},
        {HEAD "message a { }", "bad.proto: a: message names are written in TitleCase"},
        {HEAD "message A { optional int32 a = 1 [default = 3]; }", "bad.proto: A.a: absent is absent"},
        {HEAD "message A { optional group B = 1 { } }", "groups are not used"},
        {HEAD "message A { map<string, string> a = 1; }", "maps are not used"},
        {HEAD "message A { extensions 100 to 200; }", "bad.proto: A: extensions are not used"},
        {HEAD "enum E { E_ONE = 1; }", "bad.proto: E: there is no value E_UNSPECIFIED = 0"},
        {HEAD "enum MyKind { MY_KIND_UNSPECIFIED = 0; OTHER = 1; }",
            "bad.proto: MyKind: value OTHER does not begin with MY_KIND_"},
        {HEAD "enum E { option allow_alias = true; E_UNSPECIFIED = 0; E_A = 1; E_B = 1; }",
            "bad.proto: E: values E_A and E_B have the same number"},
        {HEAD "message A { optional int32 a_at_ms = 1; }",
            "bad.proto: A.a_at_ms: points in time (_at_ms) and money (_cents) are int64"},
        {HEAD "message A { optional double price_cents = 1; }", "bad.proto: A.price_cents: points in time"},
        {HEAD "message A { optional string wait_ms = 1; }", "bad.proto: A.wait_ms: milliseconds are a whole number"},
        {HEAD "message A { optional int64 made_at = 1; }", "bad.proto: A.made_at: a point in time ends in _at_ms"},
        {HEAD "message A { option (casebus.v1.aggregate) = {root: \"id\" schema: 1}; optional string id = 1; }",
            "bad.proto: A: its key is \"\""},
        {HEAD "message A { option (casebus.v1.aggregate) = {key: \"id\" schema: 1}; optional string id = 1; }",
            "bad.proto: A: its root is \"\""},
        {HEAD "message A { option (casebus.v1.aggregate) = {root: \"id\" key: \"id\" schema: 1}; optional int64 id = "
              "1; }",
            "bad.proto: A: its key is \"id\", which is no single string field of it"},
        {HEAD "message A { option (casebus.v1.aggregate) = {root: \"id\" key: \"id\"}; optional string id = 1; }",
            "bad.proto: A: has no schema number"},
        {HEAD THING "message C { option (casebus.v1.command) = {aggregate: \"Thing\" key: \"id\" root: \"root\" roles: "
                    "ROLE_NURSE}; optional string id = 1; }",
            "bad.proto: C: its root is \"root\", which is no single string field of it"},
        {HEAD THING "message C { option (casebus.v1.command) = {aggregate: \"Thong\" key: \"id\" root: \"id\" roles: "
                    "ROLE_NURSE}; optional string id = 1; }",
            "bad.proto: C: works on Thong, which is no aggregate"},
        {HEAD THING "message C { option (casebus.v1.command) = {aggregate: \"Thing\" key: \"id\" root: \"id\"}; "
                    "optional string id = 1; }",
            "bad.proto: C: names no role"},
        {HEAD THING "message C { option (casebus.v1.command) = {aggregate: \"Thing\" key: \"id\" root: \"id\" roles: "
                    "ROLE_NURSE reply: \"No\"}; optional string id = 1; }",
            "bad.proto: C: answers with No, which is no message"},
        {HEAD "message E { option (casebus.v1.event) = {line: \"x {nothing}\"}; }",
            "bad.proto: E: speaks in its line of {nothing}"},
        {HEAD "message E { option (casebus.v1.event) = {line: \"x {a_ms}\"}; optional int64 a_ms = 1; }",
            "bad.proto: E: speaks in its line of {a_ms}, which has no words"},
        {HEAD "message E { option (casebus.v1.event) = {line: \"x {a\"}; optional string a = 1; }",
            "bad.proto: E: has a line with a brace that does not close"},
        {HEAD "message E { option (casebus.v1.event) = {line: \"x\" due: \"a\"}; optional string a = 1; }",
            "bad.proto: E: is due at \"a\""},
        {HEAD "message Q { option (casebus.v1.query) = {roles: ROLE_NURSE}; }",
            "bad.proto: Q: answers with (nothing), which is no message"},
        {HEAD "message A { message E { option (casebus.v1.event) = {line: \"x\"}; } }",
            "bad.proto: A.E: is an aggregate, command, event or query outside of a service"},
        {HEAD "message E { option (casebus.v1.event) = {line: \"x\"}; option (casebus.v1.query) = {reply: \"E\"}; }",
            "bad.proto: E: is more than one of"},
        {HEAD "message A { optional int32 a = 1 [(casebus.v1.rule) = {form: FORM_DATE}]; }",
            "bad.proto: A.a: has a form, which only strings can have"},
        {HEAD "message A { optional int32 a = 1 [(casebus.v1.rule) = {max_length: 3}]; }",
            "bad.proto: A.a: has a length"},
        {HEAD "message A { optional string a = 1 [(casebus.v1.rule) = {max: 3}]; }", "bad.proto: A.a: has a range"},
        {HEAD "message A { optional int32 a = 1 [(casebus.v1.rule) = {min: 4 max: 3}]; }",
            "bad.proto: A.a: has an empty range"},
        {HEAD "message A { optional string a = 1 [(casebus.v1.rule) = {max_items: 3}]; }",
            "bad.proto: A.a: has max_items, which only lists can have"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        char said[8192];
        int status = generate(ROWS[i].proto, said, sizeof said);
        if (status != 1 || strstr(said, ROWS[i].sentence) == NULL) {
            fail_msg("exit %d, without \"%s\":\n%s%s", status, ROWS[i].sentence, said, ROWS[i].proto);
        }
    }
}

static void what_is_no_descriptor_set_is_refused(void **state)
{
    (void)state;
    char said[1024];
    char command[512];
    snprintf(
        command, sizeof command, "'%s'/bin/contract_generate /bin/sh %s/tables.c 2>&1", getenv("SUITE_BUILD"), folder);
    assert_int_equal(run(command, said, sizeof said), 2);
    assert_string_equal(said, "/bin/sh: is no descriptor set of a contract\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_contract_is_written),
        cmocka_unit_test(a_contract_that_breaks_its_rules_is_refused_with_the_place),
        cmocka_unit_test(what_is_no_descriptor_set_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
