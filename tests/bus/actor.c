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
    struct actor_proof proof;
    Casebus__Envelope envelope = of_nurse();
    assert_true(actor_sign(&place->key, &envelope, &proof));
    assert_int_equal(actor_verify(&place->trust, NULL, &envelope, NOW_MS), ACTOR_GENUINE);
    assert_int_equal(actor_verify(&place->trust, NULL, &envelope, NOW_MS + 59999), ACTOR_GENUINE);
    assert_int_equal(actor_verify(&place->trust, NULL, &envelope, NOW_MS + 60000), ACTOR_EXPIRED);
    assert_int_equal(actor_verify(&place->trust, NULL, &envelope, NOW_MS - ACTOR_SKEW_MS), ACTOR_GENUINE);
    assert_int_equal(actor_verify(&place->trust, NULL, &envelope, NOW_MS - ACTOR_SKEW_MS - 1), ACTOR_EARLY);
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
        struct actor_proof proof;
        Casebus__Envelope envelope = of_nurse();
        assert_true(actor_sign(&place->key, &envelope, &proof));
        ROWS[i].change(&envelope);
        enum actor_verdict got = actor_verify(&place->trust, NULL, &envelope, NOW_MS);
        if (got != ROWS[i].want) {
            fail_msg("%s: the actor %s", ROWS[i].name, actor_verdict_text(got));
        }
    }
}

static void an_incomplete_actor_is_not_signed(void **state)
{
    struct place *place = *state;
    struct actor_proof proof;
    void (*const drops[])(Casebus__Envelope *) = {drop_actor, drop_role, drop_expiry};
    for (size_t i = 0; i < ARRAY_LENGTH(drops); i++) {
        Casebus__Envelope envelope = of_nurse();
        drops[i](&envelope);
        assert_false(actor_sign(&place->key, &envelope, &proof));
    }
    Casebus__Envelope lasting = of_nurse();
    lasting.expires_at_ms = lasting.issued_at_ms + ACTOR_LIFE_MAX_MS + 1;
    assert_false(actor_sign(&place->key, &lasting, &proof));
    lasting.issued_at_ms = INT64_MIN;
    lasting.expires_at_ms = INT64_MAX;
    assert_false(actor_sign(&place->key, &lasting, &proof));
}

static void a_stranger_who_signs_is_not_trusted(void **state)
{
    struct place *place = *state;
    struct actor_proof proof;
    struct actor_trust nobody = {0};
    Casebus__Envelope envelope = of_nurse();
    assert_true(actor_sign(&place->key, &envelope, &proof));
    assert_int_equal(actor_verify(&nobody, NULL, &envelope, NOW_MS), ACTOR_FORGED);
}

static void any_of_several_trusted_signers_will_do(void **state)
{
    struct place *place = *state;
    void *other_state;
    struct actor_proof proof;
    struct why why = {0};
    assert_int_equal(open_place(&other_state), 0);
    struct place *other = other_state;
    assert_int_equal(actor_trust_load(&place->trust, other->public, &why), FAULT_NONE);
    Casebus__Envelope envelope = of_nurse();
    assert_true(actor_sign(&other->key, &envelope, &proof));
    assert_int_equal(actor_verify(&place->trust, NULL, &envelope, NOW_MS), ACTOR_GENUINE);
    assert_int_equal(actor_verify(&other->trust, NULL, &envelope, NOW_MS), ACTOR_GENUINE);
    close_place(&other_state);
}

/* ---- Signed together ---- */

struct bundle {
    unsigned count;
    char ids[ACTOR_LEAVES_MAX][16];
    Casebus__Envelope envelopes[ACTOR_LEAVES_MAX];
    struct actor_proof proofs[ACTOR_LEAVES_MAX];
};

static void sign_bundle(const struct place *place, struct bundle *bundle, unsigned count)
{
    struct actor_hash leaves[ACTOR_LEAVES_MAX] = {0};
    bundle->count = count;
    for (unsigned i = 0; i < count; i++) {
        snprintf(bundle->ids[i], sizeof(bundle->ids[i]), "cmd-%u", i);
        bundle->envelopes[i] = of_nurse();
        bundle->envelopes[i].id = bundle->ids[i];
        assert_true(actor_leaf(&bundle->envelopes[i], &leaves[i]));
    }
    actor_sign_leaves(&place->key, leaves, count, bundle->proofs);
    for (unsigned i = 0; i < count; i++) {
        actor_prove(&bundle->envelopes[i], &bundle->proofs[i]);
    }
}

static void every_command_signed_together_is_genuine_by_itself(void **state)
{
    static const unsigned COUNTS[] = {1, 2, 3, 4, 5, 33, 63, 64};
    struct place *place = *state;
    struct bundle bundle;
    for (size_t n = 0; n < ARRAY_LENGTH(COUNTS); n++) {
        struct actor_memory memory = {0};
        sign_bundle(place, &bundle, COUNTS[n]);
        for (unsigned i = 0; i < bundle.count; i++) {
            assert_int_equal(actor_verify(&place->trust, NULL, &bundle.envelopes[i], NOW_MS), ACTOR_GENUINE);
            assert_int_equal(actor_verify(&place->trust, &memory, &bundle.envelopes[i], NOW_MS), ACTOR_GENUINE);
        }
    }
}

static void cut_path(struct bundle *bundle)
{
    bundle->envelopes[3].actor_path.len -= ACTOR_HASH_SIZE;
}
static void cut_path_inside_a_hash(struct bundle *bundle)
{
    bundle->envelopes[3].actor_path.len--;
}
static void drop_path(struct bundle *bundle)
{
    bundle->envelopes[3].actor_path.len = 0;
}
static void lengthen_path(struct bundle *bundle)
{
    static uint8_t long_path[(ACTOR_PATH_MAX + 1) * ACTOR_HASH_SIZE];
    bundle->envelopes[3].actor_path = (ProtobufCBinaryData){.data = long_path, .len = sizeof(long_path)};
}
static void move_place(struct bundle *bundle)
{
    bundle->envelopes[3].actor_place = 2;
}
static void move_place_beyond(struct bundle *bundle)
{
    bundle->envelopes[3].actor_place = 3 + 8;
}
static void take_path_of_another(struct bundle *bundle)
{
    actor_prove(&bundle->envelopes[3], &bundle->proofs[4]);
}
static void change_path(struct bundle *bundle)
{
    bundle->proofs[3].path[1].bytes[7] ^= 1;
}
static void change_command(struct bundle *bundle)
{
    bundle->envelopes[3].subject = "intake.CloseCase";
}

/* Also where the rest of the bundle was found genuine before, and its root is remembered. */
static void nobody_slips_into_a_bundle(void **state)
{
    static const struct {
        const char *name;
        void (*change)(struct bundle *);
    } ROWS[] = {
        {"path too short", cut_path},
        {"path cut inside a hash", cut_path_inside_a_hash},
        {"no path", drop_path},
        {"path longer than any", lengthen_path},
        {"another's place", move_place},
        {"place beyond the tree", move_place_beyond},
        {"another's path", take_path_of_another},
        {"changed path", change_path},
        {"another command", change_command},
    };
    struct place *place = *state;
    struct bundle bundle;
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        struct actor_memory memory = {0};
        sign_bundle(place, &bundle, 6);
        assert_int_equal(actor_verify(&place->trust, &memory, &bundle.envelopes[3], NOW_MS), ACTOR_GENUINE);
        ROWS[i].change(&bundle);
        enum actor_verdict got = actor_verify(&place->trust, &memory, &bundle.envelopes[3], NOW_MS);
        enum actor_verdict afresh = actor_verify(&place->trust, NULL, &bundle.envelopes[3], NOW_MS);
        if (got != ACTOR_FORGED || afresh != ACTOR_FORGED) {
            fail_msg(
                "%s: the actor %s, afresh it %s", ROWS[i].name, actor_verdict_text(got), actor_verdict_text(afresh));
        }
    }
}

static void a_remembered_bundle_still_expires(void **state)
{
    struct place *place = *state;
    struct bundle bundle;
    struct actor_memory memory = {0};
    sign_bundle(place, &bundle, 2);
    assert_int_equal(actor_verify(&place->trust, &memory, &bundle.envelopes[0], NOW_MS), ACTOR_GENUINE);
    assert_int_equal(actor_verify(&place->trust, &memory, &bundle.envelopes[0], NOW_MS + 60000), ACTOR_EXPIRED);
    assert_int_equal(
        actor_verify(&place->trust, &memory, &bundle.envelopes[1], NOW_MS - ACTOR_SKEW_MS - 1), ACTOR_EARLY);
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
        "casebus-actor-public-1 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n",
        "casebus-actor-public-1 AAAAAAAAAAAAAAAAAAAAA\xb5"
        "AAAAAAAAAAAAAAAAAAAAA=\n",
        "casebus-actor-public-1 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\nand more\n"};
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
        cmocka_unit_test_setup_teardown(every_command_signed_together_is_genuine_by_itself, open_place, close_place),
        cmocka_unit_test_setup_teardown(nobody_slips_into_a_bundle, open_place, close_place),
        cmocka_unit_test_setup_teardown(a_remembered_bundle_still_expires, open_place, close_place),
        cmocka_unit_test_setup_teardown(a_secret_key_file_is_for_its_owner_only, open_place, close_place),
        cmocka_unit_test_setup_teardown(a_key_file_is_never_replaced, open_place, close_place),
        cmocka_unit_test_setup_teardown(what_is_no_key_is_not_loaded, open_place, close_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
