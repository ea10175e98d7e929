-- What operators did: who, what, to what, why. Written in the transaction of the action, and never changed afterwards.
create table operator_actions (
    id     uuid        primary key,
    at     timestamptz not null,
    who    text        not null,
    action text        not null,
    target text        not null,
    reason text        not null,
    detail jsonb       not null
);

create function operator_actions_stay() returns trigger language plpgsql as $$
begin
    raise exception 'what operators did stays as it is: no % of operator_actions', lower(tg_op);
end
$$;
create trigger operator_actions_stay before update or delete or truncate on operator_actions
    for each statement execute function operator_actions_stay();

-- Keys for programs. Of the secret there is only a digest: who reads this table can open nothing with it.
create table api_keys (
    id            uuid        primary key,
    secret_sha256 bytea       not null check (length(secret_sha256) = 32),
    name          text        not null,
    subject       text        not null,
    scopes        text[]      not null check (cardinality(scopes) > 0 and scopes <@ array['customer', 'courier', 'staff', 'operator']),
    created_at    timestamptz not null,
    created_by    text        not null,
    -- A key that nobody renews ends by itself.
    expires_at    timestamptz not null check (expires_at > created_at and expires_at <= created_at + interval '366 days'),
    revoked_at    timestamptz
);
