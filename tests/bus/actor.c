/* The signed actor: nobody between the person's program and the service can change or invent it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/bus/actor.h"
#include "common/core/must.h"

#define NOW_MS 1700000000000

struct place {
    char folder[64], secret[96], public[96];
    struct actor_key key;
    struct actor_trust trust;
};

static int open_place(void **state)
{
    struct place *place = calloc(1, sizeof(*place));
    struct why why = {0};
    snprintf(place->folder, sizeof(place->folder), "/tmp/casebus-actor-XXXXXX");
    assert_non_null(mkdtemp(place->folder));
    snprintf(place->secret, sizeof(place->secret), "%s/actor.key", place->folder);
    snprintf(place->public, sizeof(place->public), "%s/actor.pub", place->folder);
    assert_int_equal(actor_key_make(place->secret, place->public, &why), FAULT_NONE);
    assert_int_equal(actor_key_load(place->secret, &why, &place->key), FAULT_NONE);
    assert_int_equal(actor_trust_load(&place->trust, place->public, &why), FAULT_NONE);
    *state = place;
    return 0;
}

static int close_place(void **state)
{
    struct place *place = *state;
    unlink(place->secret);
    unlink(place->public);
    rmdir(place->folder);
    free(place);
    return 0;
}

static Casebus__Envelope of_nurse(void)
{
    Casebus__Envelope envelope = CASEBUS__ENVELOPE__INIT;
    envelope.tenant = "demo";
    envelope.id = "cmd-1";
    envelope.subject = "intake.AcceptReferral";
    envelope.actor_id = "nurse-7";
    envelope.has_actor_role = true;
    envelope.actor_role = CASEBUS__ROLE__ROLE_NURSE;
    envelope.has_actor_simulated = true;
    envelope.actor_simulated = true;
    envelope.has_issued_at_ms = envelope.has_expires_at_ms = true;
    envelope.issued_at_ms = NOW_MS;
    envelope.expires_at_ms = NOW_MS + 60000;
    return envelope;
}

static void a_signed_actor_is_genuine_until_it_expires(void **state)
{
    struct place *place = *state;
    uint8_t signature[ACTOR_SIGNATURE];
    Casebus__Envelope envelope = of_nurse();
    assert_true(actor_sign(&place->key, &envelope, signature));
    assert_int_equal(actor_verify(&place->trust, &envelope, NOW_MS), ACTOR_GENUINE);
    assert_int_equal(actor_verify(&place->trust, &envelope, NOW_MS + 59999), ACTOR_GENUINE);
    assert_int_equal(actor_verify(&place->trust, &envelope, NOW_MS + 60000), ACTOR_EXPIRED);
    assert_int_equal(actor_verify(&place->trust, &envelope, NOW_MS - ACTOR_SKEW_MS), ACTOR_GENUINE);
    assert_int_equal(actor_verify(&place->trust, &envelope, NOW_MS - ACTOR_SKEW_MS - 1), ACTOR_EARLY);
}

static void change_tenant(Casebus__Envelope *envelope)
{
    envelope->tenant = "other";
}
static void change_id(Casebus__Envelope *envelope)
{
    envelope->id = "cmd-2";
}
static void change_subject(Casebus__Envelope *envelope)
{
    envelope->subject = "intake.CloseCase";
}
static void change_actor(Casebus__Envelope *envelope)
{
    envelope->actor_id = "nurse-8";
}
static void change_role(Casebus__Envelope *envelope)
{
    envelope->actor_role = CASEBUS__ROLE__ROLE_ADMINISTRATOR;
}
static void change_simulated(Casebus__Envelope *envelope)
{
    envelope->actor_simulated = false;
}
static void change_issued(Casebus__Envelope *envelope)
{
    envelope->issued_at_ms++;
}
static void change_expires(Casebus__Envelope *envelope)
{
    envelope->expires_at_ms++;
}
/* The same characters in all, otherwise divided. */
static void shift_characters(Casebus__Envelope *envelope)
{
    envelope->tenant = "demon";
    envelope->actor_id = "urse-7";
}
static void change_signature(Casebus__Envelope *envelope)
{
    envelope->actor_signature.data[17] ^= 1;
}
static void shorten_signature(Casebus__Envelope *envelope)
{
    envelope->actor_signature.len--;
}
static void drop_signature(Casebus__Envelope *envelope)
{
    envelope->has_actor_signature = false;
}
static void drop_actor(Casebus__Envelope *envelope)
{
    envelope->actor_id = NULL;
}
static void drop_role(Casebus__Envelope *envelope)
{
    envelope->has_actor_role = false;
}
static void drop_expiry(Casebus__Envelope *envelope)
{
    envelope->has_expires_at_ms = false;
}

static void no_signed_field_can_be_changed(void **state)
{
    static const struct {
        const char *name;
        void (*change)(Casebus__Envelope *);
        enum actor_verdict want;
    } ROWS[] = {
        {"tenant", change_tenant, ACTOR_FORGED},
        {"command id", change_id, ACTOR_FORGED},
        {"subject", change_subject, ACTOR_FORGED},
        {"actor", change_actor, ACTOR_FORGED},
        {"role", change_role, ACTOR_FORGED},
        {"simulated", change_simulated, ACTOR_FORGED},
        {"issued", change_issued, ACTOR_FORGED},
        {"expires", change_expires, ACTOR_FORGED},
        {"characters moved between fields", shift_characters, ACTOR_FORGED},
        {"signature", change_signature, ACTOR_FORGED},
        {"signature too short", shorten_signature, ACTOR_UNSIGNED},
        {"no signature", drop_signature, ACTOR_UNSIGNED},
        {"no actor", drop_actor, ACTOR_UNSIGNED},
        {"no role", drop_role, ACTOR_UNSIGNED},
        {"no expiry", drop_expiry, ACTOR_UNSIGNED},
    };
    struct place *place = *state;
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        uint8_t signature[ACTOR_SIGNATURE];
        Casebus__Envelope envelope = of_nurse();
        assert_true(actor_sign(&place->key, &envelope, signature));
        ROWS[i].change(&envelope);
        enum actor_verdict got = actor_verify(&place->trust, &envelope, NOW_MS);
        if (got != ROWS[i].want) {
            fail_msg("%s: the actor %s", ROWS[i].name, actor_verdict_text(got));
        }
    }
}

static void an_incomplete_actor_is_not_signed(void **state)
{
    struct place *place = *state;
    uint8_t signature[ACTOR_SIGNATURE];
    void (*const drops[])(Casebus__Envelope *) = {drop_actor, drop_role, drop_expiry};
    for (size_t i = 0; i < ARRAY_LENGTH(drops); i++) {
        Casebus__Envelope envelope = of_nurse();
        drops[i](&envelope);
        assert_false(actor_sign(&place->key, &envelope, signature));
    }
    Casebus__Envelope lasting = of_nurse();
    lasting.expires_at_ms = lasting.issued_at_ms + ACTOR_LIFE_MAX_MS + 1;
    assert_false(actor_sign(&place->key, &lasting, signature));
    lasting.issued_at_ms = INT64_MIN;
    lasting.expires_at_ms = INT64_MAX;
    assert_false(actor_sign(&place->key, &lasting, signature));
}

static void a_stranger_who_signs_is_not_trusted(void **state)
{
    struct place *place = *state;
    uint8_t signature[ACTOR_SIGNATURE];
    struct actor_trust nobody = {0};
    Casebus__Envelope envelope = of_nurse();
    assert_true(actor_sign(&place->key, &envelope, signature));
    assert_int_equal(actor_verify(&nobody, &envelope, NOW_MS), ACTOR_FORGED);
}

static void any_of_several_trusted_signers_will_do(void **state)
{
    struct place *place = *state;
    void *other_state;
    uint8_t signature[ACTOR_SIGNATURE];
    struct why why = {0};
    assert_int_equal(open_place(&other_state), 0);
    struct place *other = other_state;
    assert_int_equal(actor_trust_load(&place->trust, other->public, &why), FAULT_NONE);
    Casebus__Envelope envelope = of_nurse();
    assert_true(actor_sign(&other->key, &envelope, signature));
    assert_int_equal(actor_verify(&place->trust, &envelope, NOW_MS), ACTOR_GENUINE);
    assert_int_equal(actor_verify(&other->trust, &envelope, NOW_MS), ACTOR_GENUINE);
    close_place(&other_state);
}

static void a_secret_key_file_is_for_its_owner_only(void **state)
{
    struct place *place = *state;
    struct actor_key key;
    struct stat status;
    struct why why = {0};
    assert_int_equal(stat(place->secret, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0400);
    assert_int_equal(chmod(place->secret, 0440), 0);
    assert_int_equal(actor_key_load(place->secret, &why, &key), FAULT_REFUSED);
    assert_non_null(strstr(why.text, "0400"));
}

static void a_key_file_is_never_replaced(void **state)
{
    struct place *place = *state;
    struct actor_key key;
    struct why why = {0};
    assert_int_equal(actor_key_make(place->secret, place->public, &why), FAULT_REFUSED);
    assert_int_equal(actor_key_load(place->secret, &why, &key), FAULT_NONE);
    assert_memory_equal(&key, &place->key, sizeof(key));
    unlink(place->secret);
    assert_int_equal(actor_key_make(place->secret, place->public, &why), FAULT_REFUSED);
    assert_int_equal(access(place->secret, F_OK), -1); /* no half of a pair is left */
}

static void what_is_no_key_is_not_loaded(void **state)
{
    static const char *const LINES[] = {"", "\n", "casebus-actor-public-1 \n", "casebus-actor-public-1 AAAA\n",
        "casebus-actor-public-1 ####\n", "casebus-actor-public-2 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
        "casebus-actor-public-1 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"};
    struct place *place = *state;
    struct actor_key key;
    struct why why = {0};
    assert_int_equal(actor_key_load(place->public, &why, &key), FAULT_REFUSED);
    assert_int_equal(actor_trust_load(&place->trust, place->secret, &why), FAULT_REFUSED);
    assert_int_equal(actor_trust_load(&place->trust, "/nowhere/at/all", &why), FAULT_UNAVAILABLE);
    for (size_t i = 0; i < ARRAY_LENGTH(LINES); i++) {
        unlink(place->public);
        FILE *file = fopen(place->public, "w");
        assert_non_null(file);
        fputs(LINES[i], file);
        fclose(file);
        assert_int_equal(actor_trust_load(&place->trust, place->public, &why), FAULT_REFUSED);
    }
    assert_int_equal(place->trust.count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_signed_actor_is_genuine_until_it_expires, open_place, close_place),
        cmocka_unit_test_setup_teardown(no_signed_field_can_be_changed, open_place, close_place),
        cmocka_unit_test_setup_teardown(an_incomplete_actor_is_not_signed, open_place, close_place),
        cmocka_unit_test_setup_teardown(a_stranger_who_signs_is_not_trusted, open_place, close_place),
        cmocka_unit_test_setup_teardown(any_of_several_trusted_signers_will_do, open_place, close_place),
        cmocka_unit_test_setup_teardown(a_secret_key_file_is_for_its_owner_only, open_place, close_place),
        cmocka_unit_test_setup_teardown(a_key_file_is_never_replaced, open_place, close_place),
        cmocka_unit_test_setup_teardown(what_is_no_key_is_not_loaded, open_place, close_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
