-- What Prisma's schema language cannot say, and a `prisma migrate reset` would lose if it stood anywhere else:
-- who may reach the tables, which rows they see, and what Realtime publishes of them.
--
-- All names are unqualified: the same file serves `public` and any other schema of `?schema=…`.

-- Grants: Supabase no longer gives the API's roles anything in new tables by itself.
DO $$
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO anon, authenticated, service_role', current_schema());
END
$$;

GRANT ALL ON "rooms", "members", "messages", "events" TO service_role;
GRANT SELECT ON "rooms", "members", "messages", "events" TO authenticated;
GRANT INSERT, DELETE ON "members" TO authenticated;
GRANT INSERT, UPDATE, DELETE ON "messages" TO authenticated;
GRANT SELECT ON "events" TO anon;
GRANT USAGE, SELECT ON SEQUENCE "rooms_id_seq", "messages_id_seq", "events_id_seq" TO service_role;
GRANT USAGE ON SEQUENCE "messages_id_seq" TO authenticated;

-- The rooms of whoever asks. A policy on "members" cannot read "members" itself (infinite recursion), a function of the
-- owner can. The body is bound to its tables when it is made, so no search_path can lead it elsewhere.
CREATE FUNCTION "my_room_ids"() RETURNS SETOF BIGINT
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
BEGIN ATOMIC
    SELECT "room_id" FROM "members" WHERE "user_id" = (SELECT auth.uid());
END;

REVOKE EXECUTE ON FUNCTION "my_room_ids"() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION "my_room_ids"() TO authenticated;

-- Row level security. `(SELECT auth.uid())` and the subqueries run once per statement, not once per row, and every
-- column that a policy compares leads an index.
ALTER TABLE "rooms" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "members" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "messages" ENABLE ROW LEVEL SECURITY;

CREATE POLICY "open rooms and own rooms are visible" ON "rooms" FOR SELECT TO authenticated
    USING ("is_open" OR "id" IN (SELECT "my_room_ids"()));

CREATE POLICY "members of a room see its members" ON "members" FOR SELECT TO authenticated
    USING ("user_id" = (SELECT auth.uid()) OR "room_id" IN (SELECT "my_room_ids"()));

CREATE POLICY "anybody signed in may join an open room" ON "members" FOR INSERT TO authenticated
    WITH CHECK (
        "user_id" = (SELECT auth.uid())
        AND "role" = 'member'
        AND "room_id" IN (SELECT "rooms"."id" FROM "rooms" WHERE "rooms"."is_open")
    );

CREATE POLICY "a member may leave" ON "members" FOR DELETE TO authenticated
    USING ("user_id" = (SELECT auth.uid()));

CREATE POLICY "members of a room read its messages" ON "messages" FOR SELECT TO authenticated
    USING ("room_id" IN (SELECT "my_room_ids"()));

CREATE POLICY "members of a room write as themselves" ON "messages" FOR INSERT TO authenticated
    WITH CHECK ("author" = (SELECT auth.uid()) AND "room_id" IN (SELECT "my_room_ids"()));

CREATE POLICY "authors change their messages" ON "messages" FOR UPDATE TO authenticated
    USING ("author" = (SELECT auth.uid()))
    WITH CHECK ("author" = (SELECT auth.uid()) AND "room_id" IN (SELECT "my_room_ids"()));

CREATE POLICY "authors delete their messages" ON "messages" FOR DELETE TO authenticated
    USING ("author" = (SELECT auth.uid()));

-- Realtime. With the full old row, a filter on `room_id` also matches deletes, and unchanged large values are not lost.
ALTER TABLE "messages" REPLICA IDENTITY FULL;

DO $$
DECLARE
    published TEXT;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_publication WHERE pubname = 'supabase_realtime') THEN
        CREATE PUBLICATION supabase_realtime;
    END IF;
    FOREACH published IN ARRAY ARRAY['rooms', 'members', 'messages', 'events'] LOOP
        IF NOT EXISTS (
            SELECT FROM pg_publication_tables
            WHERE pubname = 'supabase_realtime' AND schemaname = current_schema() AND tablename = published
        ) THEN
            EXECUTE format('ALTER PUBLICATION supabase_realtime ADD TABLE %I', published);
        END IF;
    END LOOP;
END
$$;
