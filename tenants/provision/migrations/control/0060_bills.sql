-- What is kept of bills. An invoice is a document that follows from its evidence alone (billing/invoice); here are who bills, by which plans, who is billed, what was issued and what was paid. A
-- document that was issued is never changed, and outlives its tenant: bills have no foreign key to tenants.

-- Who bills. Its numbers have no gaps: the row is locked from when a number is taken until the document is stored with it.
CREATE TABLE bill_issuers (
    name        text PRIMARY KEY CHECK (name ~ '^[a-z][a-z0-9-]{0,31}$'),
    prefix      text NOT NULL UNIQUE CHECK (prefix ~ '^[A-Z][A-Z0-9]{0,7}$'),  -- of its numbers
    document    jsonb NOT NULL,
    invoices    integer NOT NULL DEFAULT 0 CHECK (invoices >= 0),               -- how many it has issued
    notes       integer NOT NULL DEFAULT 0 CHECK (notes >= 0),                  -- and how many credit notes
    last_issued date                                                            -- the day of the last of both
);

-- Plans in their versions, which are never changed.
CREATE TABLE bill_plans (
    plan       text NOT NULL CHECK (plan ~ '^[a-z][a-z0-9_]{0,39}$'),
    version    integer NOT NULL CHECK (version >= 1),
    document   jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (plan, version)
);

-- Who is billed, and how.
CREATE TABLE bill_accounts (
    slug       text PRIMARY KEY,
    issuer     text NOT NULL REFERENCES bill_issuers,
    document   jsonb NOT NULL,
    shut_at    timestamptz,                                                     -- when a bill that is not paid made the tenant read-only; null: none did
    created_at timestamptz NOT NULL
);

-- Which version of a plan a tenant has from a day on, until the next row's day. One without a plan ends it.
CREATE TABLE bill_in_force (
    slug     text NOT NULL REFERENCES bill_accounts ON DELETE CASCADE,
    from_day date NOT NULL,
    plan     text,
    version  integer,
    PRIMARY KEY (slug, from_day),
    FOREIGN KEY (plan, version) REFERENCES bill_plans,
    CHECK ((plan IS NULL) = (version IS NULL))
);

-- What we owe a tenant, to be taken off its next bills.
CREATE TABLE bill_credits (
    slug       text NOT NULL REFERENCES bill_accounts ON DELETE CASCADE,
    name       text NOT NULL CHECK (name ~ '^[a-z][a-z0-9_-]{0,39}$'),
    title      text NOT NULL CHECK (char_length(title) BETWEEN 1 AND 200),
    amount     bigint NOT NULL CHECK (amount > 0),                              -- minor units
    rest       bigint NOT NULL CHECK (rest BETWEEN 0 AND amount),               -- what no bill has taken yet
    until      date,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (slug, name)
);

-- Invoices and credit notes that were issued.
CREATE TABLE bill_documents (
    number      text PRIMARY KEY CHECK (char_length(number) BETWEEN 1 AND 40),
    slug        text NOT NULL,
    issuer      text NOT NULL REFERENCES bill_issuers,
    kind        text NOT NULL CHECK (kind IN ('invoice', 'credit_note')),
    credits     text REFERENCES bill_documents,                                 -- of a credit note: the invoice
    currency    text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    period_from date NOT NULL,
    period_to   date NOT NULL CHECK (period_to > period_from),                  -- the first day that is not in it any more
    issued      date NOT NULL,
    due         date NOT NULL,
    total       bigint NOT NULL,                                                -- minor units, as all sums here
    credited    bigint NOT NULL DEFAULT 0 CHECK (credited >= 0),                -- of an invoice: by its credit notes
    paid        bigint NOT NULL DEFAULT 0 CHECK (paid >= 0),
    state       text NOT NULL CHECK (state IN ('open', 'partial', 'paid', 'overpaid', 'void', 'note')),
    reminded    smallint NOT NULL DEFAULT 0 CHECK (reminded BETWEEN 0 AND 9),   -- how often
    document    text NOT NULL,                                                  -- JSON, to the byte as it was issued
    hash        text NOT NULL CHECK (hash ~ '^([0-9a-f]{64})?$'),               -- the SHA-256 of its evidence; '' of a credit note
    created_at  timestamptz NOT NULL,
    CHECK ((kind = 'credit_note') = (credits IS NOT NULL) AND (kind = 'credit_note') = (state = 'note')),
    CHECK (kind = 'credit_note' OR credited <= greatest(total, 0))              -- never more credited than billed
);
-- A period is billed once, unless that bill was made void.
CREATE UNIQUE INDEX bill_documents_once ON bill_documents (slug, period_from) WHERE kind = 'invoice' AND state <> 'void';
CREATE INDEX bill_documents_of ON bill_documents (slug, issued, number);
CREATE INDEX bill_documents_in_order ON bill_documents (issued, number);
CREATE INDEX bill_documents_owed ON bill_documents (due, number) WHERE state IN ('open', 'partial');
CREATE INDEX bill_documents_notes ON bill_documents (credits) WHERE credits IS NOT NULL;

-- What goes with a document: what it can be computed from again, and the paper as it was sent.
CREATE TABLE bill_papers (
    number   text PRIMARY KEY REFERENCES bill_documents,
    evidence bytea,                                                             -- gzip (RFC 1952); null of a credit note
    pdf      bytea NOT NULL
);
ALTER TABLE bill_papers ALTER COLUMN evidence SET STORAGE EXTERNAL, ALTER COLUMN pdf SET STORAGE EXTERNAL; -- they are compressed already

-- Money that came.
CREATE TABLE bill_payments (
    number     text NOT NULL REFERENCES bill_documents,
    name       text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),       -- the bank's, by which it is known again
    on_day     date NOT NULL,
    amount     bigint NOT NULL CHECK (amount > 0),
    method     text NOT NULL CHECK (method IN ('transfer', 'cheque', 'card', 'cash', 'offset')),
    reference  text NOT NULL CHECK (char_length(reference) <= 200),             -- the payer's: a purchase order
    created_at timestamptz NOT NULL,
    PRIMARY KEY (number, name)
);

-- A document is what it was: only how it is paid changes.
CREATE FUNCTION keep_document() RETURNS trigger LANGUAGE plpgsql SET search_path = {{schema}}, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'an issued document is not changed or removed' USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER kept BEFORE UPDATE OF number, slug, issuer, kind, credits, currency, period_from, period_to, issued, due, total, document, hash, created_at ON bill_documents FOR EACH ROW EXECUTE FUNCTION keep_document();
CREATE TRIGGER kept_whole BEFORE DELETE ON bill_documents FOR EACH ROW EXECUTE FUNCTION keep_document();
CREATE TRIGGER kept BEFORE UPDATE OR DELETE ON bill_papers FOR EACH ROW EXECUTE FUNCTION keep_document();
CREATE TRIGGER kept BEFORE UPDATE OR DELETE ON bill_payments FOR EACH ROW EXECUTE FUNCTION keep_document();
CREATE TRIGGER kept BEFORE UPDATE OR DELETE ON bill_plans FOR EACH ROW EXECUTE FUNCTION keep_document();

-- Who sees bills, and who makes them.
INSERT INTO casbin_rules (ptype, v0, v1, v2)
SELECT 'p', r.role, 'platform', r.permission FROM (VALUES ('account_manager', 'platform.bill.read'), ('account_manager', 'platform.bill.change'), ('operator', 'platform.price.change')) AS r(role, permission)
WHERE EXISTS (SELECT FROM casbin_rules c WHERE c.v0 = r.role) ON CONFLICT DO NOTHING;

RESET ROLE;
SET LOCAL ROLE {{owner}};
GRANT SELECT ON bill_issuers, bill_plans, bill_accounts, bill_in_force, bill_credits, bill_documents, bill_papers, bill_payments TO {{gate}};
RESET ROLE;
SET LOCAL ROLE {{gate}};

-- The first days of a tenant's terms, by which some are billed. Only the platform's login may ask.
CREATE FUNCTION gate.term_starts(which text) RETURNS SETOF date LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE home text;
BEGIN
    IF gate.caller() <> '' THEN RAISE EXCEPTION 'only the platform' USING ERRCODE = 'insufficient_privilege'; END IF;
    SELECT schema_name INTO home FROM control.tenants WHERE slug = which AND made_at IS NOT NULL;
    IF home IS NOT NULL THEN
        RETURN QUERY EXECUTE format('SELECT DISTINCT starts_on FROM %I.terms WHERE starts_on BETWEEN now() - interval ''3 years'' AND now() + interval ''2 years'' ORDER BY 1 LIMIT 60', home);
    END IF;
END $$;

-- note_bill leaves an entry in a tenant's trail about a bill of its own, in the platform's transaction.
CREATE FUNCTION gate.note_bill(which text, entry_id uuid, entry jsonb) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE home text;
BEGIN
    IF gate.caller() <> '' THEN RAISE EXCEPTION 'only the platform' USING ERRCODE = 'insufficient_privilege'; END IF;
    IF (entry_id IS NOT NULL AND entry ->> 'action' LIKE 'bill.%' AND length(entry ->> 'action') <= 100 AND length(entry::text) <= 6000) IS NOT TRUE THEN
        RAISE EXCEPTION 'an entry is out of bounds' USING ERRCODE = 'check_violation';
    END IF;
    SELECT schema_name INTO home FROM control.tenants WHERE slug = which AND made_at IS NOT NULL;
    IF home IS NOT NULL THEN -- one that was removed has no trail any more
        EXECUTE format('SELECT %I.record_entry($1, $2)', home) USING entry_id, entry || jsonb_build_object('actor_realm', 'platform', 'object_kind', 'bill');
    END IF;
END $$;

-- What a tenant sees of its own bills.
CREATE FUNCTION gate.own_bills(before text, most integer) RETURNS TABLE (number text, kind text, credits text, currency text, period_from date, period_to date, issued date, due date, total bigint,
    credited bigint, paid bigint, state text, hash text) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT d.number, d.kind, d.credits, d.currency, d.period_from, d.period_to, d.issued, d.due, d.total, d.credited, d.paid, d.state, d.hash FROM control.bill_documents d
    WHERE d.slug = gate.caller() AND (before = '' OR (d.issued, d.number) < (SELECT b.issued, b.number FROM control.bill_documents b WHERE b.number = before AND b.slug = gate.caller()))
    ORDER BY d.issued DESC, d.number DESC LIMIT least(greatest(most, 1), 201)
$$;
CREATE FUNCTION gate.own_bill(which text) RETURNS TABLE (document text, credited bigint, paid bigint, state text, hash text, payments jsonb, notes jsonb)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT d.document, d.credited, d.paid, d.state, d.hash,
        (SELECT coalesce(jsonb_agg(jsonb_build_object('name', p.name, 'on', p.on_day, 'amount', p.amount, 'method', p.method, 'reference', p.reference) ORDER BY p.on_day, p.name), '[]') FROM control.bill_payments p WHERE p.number = d.number),
        (SELECT coalesce(jsonb_agg(n.number ORDER BY n.issued, n.number), '[]') FROM control.bill_documents n WHERE n.credits = d.number)
    FROM control.bill_documents d WHERE d.number = which AND d.slug = gate.caller()
$$;
CREATE FUNCTION gate.own_paper(which text, OUT evidence bytea, OUT pdf bytea) RETURNS SETOF record LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT p.evidence, p.pdf FROM control.bill_papers p JOIN control.bill_documents d USING (number) WHERE p.number = which AND d.slug = gate.caller()
$$;
CREATE FUNCTION gate.own_account() RETURNS TABLE (issuer text, issued_by jsonb, document jsonb, in_force jsonb, credits jsonb) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT a.issuer, i.document, a.document,
        (SELECT coalesce(jsonb_agg(jsonb_build_object('from_day', f.from_day, 'document', p.document) ORDER BY f.from_day), '[]')
         FROM control.bill_in_force f LEFT JOIN control.bill_plans p USING (plan, version) WHERE f.slug = a.slug),
        (SELECT coalesce(jsonb_agg(jsonb_build_object('name', c.name, 'title', c.title, 'left', c.rest, 'until', coalesce(c.until::text, '')) ORDER BY c.name), '[]') FROM control.bill_credits c WHERE c.slug = a.slug AND c.rest > 0)
    FROM control.bill_accounts a JOIN control.bill_issuers i ON i.name = a.issuer WHERE a.slug = gate.caller()
$$;
REVOKE ALL ON FUNCTION gate.term_starts(text), gate.note_bill(text, uuid, jsonb), gate.own_bills(text, integer), gate.own_bill(text), gate.own_paper(text), gate.own_account() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.term_starts(text), gate.note_bill(text, uuid, jsonb) TO {{login}};

-- Tenants that are here already; a new one gets it when it is made.
DO $$ DECLARE t record; BEGIN
    FOR t IN SELECT login_role FROM control.tenants WHERE made_at IS NOT NULL LOOP
        EXECUTE format('GRANT EXECUTE ON FUNCTION gate.own_bills(text, integer), gate.own_bill(text), gate.own_paper(text), gate.own_account() TO %I', t.login_role);
    END LOOP;
END $$;

INSERT INTO jobs.kinds (kind, realm, queue, attempts, keep) VALUES
    ('bills.run', 'platform', 'long', 10, '14 days'),
    ('bills.remind', 'platform', 'long', 10, '14 days');
RESET ROLE;
