//! What standards ask of agents, tokens, the queue and sealing, and what happened to others: each line has a test of its name.
//!
//! Those whose content is tested where its subject is are listed in [`ELSEWHERE`], by their norm.

use std::fs;

mod attacks;
mod tokens;

/// The line, and where it is tested: file and function.
const ELSEWHERE: [(&str, &str, &str); 44] = [
    ("RFC 8725 §3.1, §3.11: one algorithm, one type per purpose", "src/wire/jws.rs", "a_token_is_of_one_type_and_one_key"),
    ("RFC 9449 §4.3: a proof fits one request only", "src/wire/jws.rs", "a_proof_fits_one_request_only"),
    ("RFC 9449 §4.3 check 7: no private key", "src/wire/jws.rs", "a_proof_must_not_show_a_private_key"),
    ("RFC 9449 §11.1: a captured request is refused, by every node", "tests/it/agent_api.rs", "two_nodes_behave_as_one"),
    ("RFC 9700 §2.2: access tokens are short", "tests/it/agent_api.rs", "tokens_are_short_and_nobody_else_signs_them"),
    (
        "RFC 7523 §3: an assertion is for us, for now and for once",
        "tests/it/agent_api.rs",
        "an_assertion_is_for_us_for_now_for_once_and_from_who_sends_it",
    ),
    ("CVE-2026-73431: a signed text is used up", "tests/it/vectors.rs", "the_known_assertion_gets_a_token_and_no_other_does"),
    ("ASVS 6.5.1: an enrolment token is used once, by one of twenty", "tests/it/agent_api.rs", "a_token_enrols_one_agent_of_twenty"),
    ("ASVS 4.1.5: results are signed, by the holder", "tests/it/agent_api.rs", "a_result_is_taken_once_from_the_holder_of_the_lease"),
    ("ASVS 4.1.5: sealing keys are signed", "tests/it/agent_api.rs", "only_own_keys_for_now_are_published"),
    (
        "ASVS 4.1.5: only known shapes of jobs, wherever they come from",
        "tests/it/agent/order.rs",
        "a_job_that_was_touched_on_the_way_does_not_open",
    ),
    ("ASVS 16.4.2: the audit trail cannot be edited", "tests/it/agent_api.rs", "the_audit_trail_cannot_be_edited"),
    ("ASVS 1.5.3, 15.3.3, 15.3.5: bodies of one shape", "tests/it/hostile.rs", "agents_send_json_of_one_shape"),
    ("ASVS 15.3.7: each field once", "tests/it/hostile.rs", "tokens_are_asked_for_by_one_form"),
    (
        "ASVS 12.3.2: the directory's certificate and name are checked",
        "tests/it/agent/connection.rs",
        "only_the_pinned_ca_and_the_right_name_are_trusted",
    ),
    (
        "CVE-2018-5353, CVE-2020-11552, CVE-2026-74849: no way around TLS",
        "tests/it/agent/connection.rs",
        "only_the_pinned_ca_and_the_right_name_are_trusted",
    ),
    ("RFC 9180 §9: no sender, so signed keys", "tests/browser/vectors.rs", "nothing_is_sealed_to_a_key_that_is_not_beyond_doubt"),
    ("ETH 2026: keys that nobody signed", "tests/browser/vectors.rs", "known_bad_statements_are_refused"),
    ("RFC 9180 §9.7: lengths do not show", "src/wire/seal.rs", "length_of_the_password_does_not_show"),
    ("RFC 9180 §8.1: everything is bound in info and aad", "src/wire/seal.rs", "opens_only_for_the_very_ticket_and_key"),
    ("RFC 9180 §9.7: no replay and no reordering, by a journal", "tests/it/agent/order.rs", "the_newest_job_of_a_user_wins"),
    ("RFC 9180 §9.7: a job offered again", "tests/it/agent/order.rs", "a_job_offered_again_gets_its_answer_again"),
    ("RFC 9180 §9.7: no forward secrecy, so keys of half a day", "src/agent/keys.rs", "keys_overlap_survive_a_restart_and_are_destroyed"),
    (
        "Entra writeback queues nothing; we do: late is refused by the agent",
        "tests/it/agent/order.rs",
        "too_late_is_refused_by_our_own_clock",
    ),
    ("Entra writeback queues nothing; we do: newest wins", "tests/it/portal/jobs.rs", "the_newest_ticket_wins"),
    (
        "SQS: a receipt handle that is over is refused",
        "tests/it/portal/jobs.rs",
        "a_silent_agent_loses_the_job_to_another_and_cannot_answer_for_it_any_more",
    ),
    (
        "Stripe: the same request again is the same, another is refused",
        "tests/it/portal/jobs.rs",
        "the_same_job_posted_again_is_the_same_and_another_is_refused",
    ),
    ("ASVS 15.4.2: check and act are one step", "tests/it/queue/pairs.rs", "two_at_once_are_as_one_after_the_other"),
    (
        "Keycloak CVE-2026-18963: the life of a job, by any order of steps",
        "tests/it/queue/drive.rs",
        "any_order_of_steps_keeps_the_promises",
    ),
    ("Entra PTA 2022: a waiting poll ends", "tests/it/agent_api.rs", "a_revocation_ends_a_waiting_poll"),
    (
        "Entra PTA 2022: nobody serves unconfirmed",
        "tests/it/agent_api.rs",
        "an_agent_serves_only_once_its_fingerprint_was_compared_and_until_it_is_revoked",
    ),
    (
        "MGM 2023, AA23-320A: the powerful are refused by the agent",
        "tests/it/agent/accounts.rs",
        "refuses_the_powerful_even_where_its_part_is_the_whole_domain",
    ),
    ("CISA AA23-320A: caps at the agent", "tests/it/agent/order.rs", "limits_count_what_was_changed_and_survive_a_crash"),
    (
        "LTB 2018 (CVE-2018-12421): the answer of a bind is looked at",
        "tests/it/agent/connection.rs",
        "a_wrong_service_password_is_tried_once",
    ),
    ("ldap3: a server that never answers", "tests/it/agent/connection.rs", "a_server_that_never_answers_is_given_up_in_time"),
    ("Twitter, GitHub 2018: no password in any log or row", "tests/it/whole/secrecy.rs", "nobody_in_between_has_the_passwords"),
    ("axum #2741: a head drop by drop", "tests/it/serving.rs", "whoever_sends_a_head_drop_by_drop_is_cut_off"),
    ("axum #2741: a body drop by drop", "tests/it/serving.rs", "whoever_sends_a_body_drop_by_drop_is_cut_off"),
    ("CVE-2023-44487: large heads", "tests/it/serving.rs", "a_head_that_is_too_large_is_refused"),
    ("lettre RUSTSEC-2026-0561: no control character in an address", "fuzz/targets.rs", "contact"),
    ("RFC 7515, RFC 9449: what nobody means well with does not break the reader", "tests/it/fuzz.rs", "no_input_breaks_what_reads_it"),
    ("ASVS 8.4.1: another tenant's job and people", "tests/it/wrong_agent.rs", "another_tenants_job_is_as_if_it_were_not_there"),
    ("ASVS 8.2.2: another agent's job", "tests/it/wrong_agent.rs", "whoever_does_not_hold_a_job_cannot_hand_it_over_or_give_it_up"),
    (
        "CVE-2010-3272: what a client says decides nothing",
        "tests/it/wrong_agent.rs",
        "what_an_agent_says_of_its_clock_or_name_decides_nothing",
    ),
];

#[test]
fn what_is_tested_elsewhere_is_there() {
    for (line, file, name) in ELSEWHERE {
        let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/").to_owned() + file).unwrap_or_default();
        assert!(text.contains(&format!("fn {name}(")), "{line}: {file} has no {name}");
    }
}
