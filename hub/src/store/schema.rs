//! The tables as diesel sees them; `migrations/` is the truth and a test compares the two.
#![allow(missing_docs, reason = "columns are documented in hub/docs/architecture.md")]

diesel::table! {
    writer (id) {
        id -> Integer,
        epoch -> Text,
        key_id -> Text,
        holder -> Text,
        generation -> BigInt,
        lease_until -> BigInt,
        next_seq -> BigInt,
        merge_rules -> Text,
    }
}

diesel::table! {
    foundation (id) {
        id -> Integer,
        needs -> BigInt,
        landing -> Nullable<Text>,
        sealed -> Nullable<Text>,
        sealed_at -> Nullable<BigInt>,
        pruned_seq -> BigInt,
    }
}

diesel::table! {
    feed_state (feed) {
        feed -> Text,
        apply_counter -> BigInt,
        as_of_instant -> BigInt,
        as_of_sequence -> BigInt,
        as_of_digest -> Binary,
        delivery -> Text,
        fingerprint -> Text,
    }
}

diesel::table! {
    delivery (id) {
        id -> Text,
        feed -> Text,
        channel -> Text,
        state -> Text,
        received_at -> BigInt,
        sender -> Text,
        idempotency_key -> Nullable<Text>,
        file_name -> Nullable<Text>,
        digest -> Binary,
        bytes -> BigInt,
        landed -> Nullable<Text>,
        as_of_instant -> Nullable<BigInt>,
        as_of_sequence -> BigInt,
        declared_total -> Nullable<BigInt>,
        fingerprint -> Nullable<Text>,
        inspected_counter -> Nullable<BigInt>,
        checkpoint -> BigInt,
        received -> BigInt,
        applied -> BigInt,
        unchanged -> BigInt,
        stale -> BigInt,
        rejected -> BigInt,
        issues -> BigInt,
        ended -> BigInt,
        endings -> Text,
        reasons -> Nullable<Text>,
        decided_by -> Nullable<Text>,
        decided_at -> Nullable<BigInt>,
        applied_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    staging (delivery, first) {
        delivery -> Text,
        first -> BigInt,
        last -> BigInt,
        changed -> BigInt,
        unchanged -> BigInt,
        stale -> BigInt,
        rejected -> BigInt,
        keyless -> BigInt,
        present -> BigInt,
        fresh -> BigInt,
        page -> Binary,
    }
}

diesel::table! {
    contribution (id) {
        id -> Binary,
        feed -> Text,
        source_key -> Binary,
        part -> Text,
        kind -> Text,
        state -> Text,
        marked -> Bool,
        as_of_instant -> BigInt,
        as_of_sequence -> BigInt,
        as_of_digest -> Binary,
        delivery -> Text,
        position -> BigInt,
        fingerprint -> Text,
        hash -> Binary,
        key_token -> Nullable<Binary>,
        household -> Nullable<Binary>,
        link -> Text,
        entity -> Nullable<Binary>,
        document -> Binary,
        linked_at -> BigInt,
    }
}

diesel::table! {
    contribution_alias (alias, contribution) {
        alias -> Binary,
        contribution -> Binary,
    }
}

diesel::table! {
    entity (id) {
        id -> Binary,
        kind -> Text,
        token -> Binary,
        state -> Text,
        version -> BigInt,
        seq -> BigInt,
        community -> Nullable<Text>,
        changed_at -> BigInt,
    }
}

diesel::table! {
    entity_version (entity, version) {
        entity -> Binary,
        version -> BigInt,
        seq -> BigInt,
        kind -> Text,
        state -> Text,
        at -> BigInt,
        delivery -> Text,
        document -> Binary,
    }
}

diesel::table! {
    delivery_rejection (delivery, position) {
        delivery -> Text,
        position -> BigInt,
        line -> Nullable<BigInt>,
        source_key -> Nullable<Binary>,
        hash -> Binary,
        codes -> Text,
        document -> Binary,
    }
}

diesel::table! {
    delivery_issue (delivery, position, ordinal) {
        delivery -> Text,
        position -> BigInt,
        ordinal -> BigInt,
        line -> Nullable<BigInt>,
        code -> Text,
        document -> Binary,
    }
}

diesel::table! {
    rejection (id) {
        id -> Text,
        feed -> Text,
        source_key -> Nullable<Binary>,
        hash -> Binary,
        state -> Text,
        codes -> Text,
        first_delivery -> Text,
        last_delivery -> Text,
        position -> BigInt,
        line -> Nullable<BigInt>,
        seen -> BigInt,
        first_at -> BigInt,
        last_at -> BigInt,
        document -> Binary,
        decided_by -> Nullable<Text>,
        decided_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    edit (feed, hash) {
        feed -> Text,
        hash -> Binary,
        rejection -> Text,
        document -> Binary,
        edited_by -> Text,
        edited_at -> BigInt,
    }
}

diesel::table! {
    job (id) {
        id -> Text,
        kind -> Text,
        subject -> Text,
        planned_at -> BigInt,
        state -> Text,
        attempts -> BigInt,
        run_after -> BigInt,
        holder -> Nullable<Text>,
        lease_until -> Nullable<BigInt>,
        message -> Nullable<Text>,
        created_at -> BigInt,
        finished_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    run (job, attempt) {
        job -> Text,
        attempt -> BigInt,
        holder -> Text,
        started_at -> BigInt,
        finished_at -> Nullable<BigInt>,
        outcome -> Nullable<Text>,
        message -> Nullable<Text>,
    }
}

diesel::table! {
    token (id) {
        id -> Text,
        hash -> Binary,
        role -> Text,
        subject -> Text,
        title -> Text,
        created_at -> BigInt,
        revoked_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    relay (agreement) {
        agreement -> Text,
        state -> Text,
        message -> Nullable<Text>,
        seq -> BigInt,
        at -> BigInt,
    }
}

diesel::table! {
    decision (id) {
        id -> Text,
        kind -> Text,
        subject -> Binary,
        person -> Binary,
        document -> Binary,
        decided_by -> Text,
        decided_at -> BigInt,
        revoked_by -> Nullable<Text>,
        revoked_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    model (version) {
        version -> BigInt,
        state -> Text,
        document -> Binary,
        made_by -> Text,
        made_at -> BigInt,
        effect -> Nullable<Binary>,
    }
}

diesel::table! {
    match_key (tag, contribution) {
        tag -> BigInt,
        contribution -> Binary,
        model -> BigInt,
        loose -> Bool,
    }
}

diesel::table! {
    matching (contribution) {
        contribution -> Binary,
        state -> Text,
        entity -> Binary,
        model -> BigInt,
        since -> BigInt,
        document -> Binary,
    }
}

diesel::table! {
    past_link (contribution, until) {
        contribution -> Binary,
        until -> BigInt,
        since -> BigInt,
        link -> Text,
        entity -> Nullable<Binary>,
        model -> Nullable<BigInt>,
        document -> Nullable<Binary>,
    }
}

diesel::allow_tables_to_appear_in_same_query!(delivery, delivery_rejection, delivery_issue, contribution, contribution_alias, staging, rejection, entity, entity_version);
