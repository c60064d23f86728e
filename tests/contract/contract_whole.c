/* What must hold of the real contract, whatever is in it. */
#include "common/contract/contract.h"
#include "common/contract/guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

static void the_five_services_and_the_payer_are_there(void **state)
{
    (void)state;
    static const char *const NAMES[] = {"intake", "planning", "scheduling", "claims", "notifications", "payer", "ops"};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        if (contract_find_service(NAMES[i]) == NULL) {
            fail_msg("no service %s", NAMES[i]);
        }
    }
    assert_true(contract_find_service("payer")->public_contract);
    assert_int_equal(CONTRACT.major, 1);
}

static void every_message_is_found_by_each_of_its_names(void **state)
{
    (void)state;
    assert_int_equal(CONTRACT.n_names, 3 * CONTRACT.n_messages);
    for (size_t i = 0; i < CONTRACT.n_names; i++) {
        assert_ptr_equal(contract_find_message(CONTRACT.names[i].name), CONTRACT.names[i].message);
    }
    for (size_t i = 0; i < CONTRACT.n_messages; i++) {
        assert_ptr_equal(contract_of(CONTRACT.messages[i].descriptor), &CONTRACT.messages[i]);
        assert_ptr_equal(contract_find_message(CONTRACT.messages[i].subject), &CONTRACT.messages[i]);
    }
}

static void the_fields_stand_where_the_descriptor_has_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < CONTRACT.n_messages; i++) {
        const struct contract_message *message = &CONTRACT.messages[i];
        for (unsigned f = 0; f < message->descriptor->n_fields; f++) {
            const ProtobufCFieldDescriptor *field = &message->descriptor->fields[f];
            assert_string_equal(message->fields[f].name, field->name);
            bool is_message = field->type == PROTOBUF_C_TYPE_MESSAGE;
            assert_ptr_equal(
                is_message ? message->fields[f].message->descriptor : NULL, is_message ? field->descriptor : NULL);
        }
    }
}

static void every_command_names_texts_of_its_own_as_key_and_root(void **state)
{
    (void)state;
    for (size_t s = 0; s < CONTRACT.n_services; s++) {
        const struct contract_service *service = &CONTRACT.services[s];
        for (unsigned c = 0; c < service->n_commands; c++) {
            const struct contract_command *command = &service->commands[c];
            assert_ptr_equal(contract_find_command(command->subject), command);
            assert_string_equal(command->service, service->name);
            if (command->aggregate != NULL) {
                assert_int_equal(command->message->descriptor->fields[command->key].type, PROTOBUF_C_TYPE_STRING);
                assert_int_equal(command->message->descriptor->fields[command->root].type, PROTOBUF_C_TYPE_STRING);
                assert_string_equal(command->aggregate->service, service->name);
            }
        }
    }
}

static void a_message_without_fields_takes_unknown_ones_from_newer_peers_only(void **state)
{
    (void)state;
    static const uint8_t UNKNOWN[] = {0x08, 0x01};
    size_t found = 0;
    for (size_t i = 0; i < CONTRACT.n_messages; i++) {
        const ProtobufCMessageDescriptor *type = CONTRACT.messages[i].descriptor;
        if (type->n_fields == 0) {
            struct why why;
            found++;
            assert_int_equal(guard_scan(type, UNKNOWN, 2, &CROSSING_EVENT.limits, &why, NULL), FAULT_NONE);
            assert_int_equal(guard_scan(type, UNKNOWN, 2, &CROSSING_CALL.limits, &why, NULL), FAULT_INVALID);
        }
    }
    assert_true(found > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_five_services_and_the_payer_are_there),
        cmocka_unit_test(every_message_is_found_by_each_of_its_names),
        cmocka_unit_test(the_fields_stand_where_the_descriptor_has_them),
        cmocka_unit_test(every_command_names_texts_of_its_own_as_key_and_root),
        cmocka_unit_test(a_message_without_fields_takes_unknown_ones_from_newer_peers_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
