-- The roles, schemas and defaults of a Supabase database. Run once, as the superuser supabase_admin.
-- Names and attributes: supabase.com/docs/guides/database/postgres/roles and supabase/postgres (migrations/db).

-- Roles --------------------------------------------------------------------------------------------------------

create role postgres login createdb createrole replication bypassrls;

create role anon nologin noinherit;
create role authenticated nologin noinherit;
create role service_role nologin noinherit bypassrls;
create role authenticator login noinherit;
grant anon, authenticated, service_role to authenticator;

create role supabase_auth_admin login noinherit createrole;
create role supabase_realtime_admin nologin noinherit;

-- The owner of a project acts as any of its API roles, and looks at the whole server.
grant anon, authenticated, service_role, authenticator to postgres with admin option;
grant pg_monitor, pg_read_all_data, pg_signal_backend to postgres;

alter role authenticator set statement_timeout = '8s';
alter role authenticator set lock_timeout = '8s';
alter role anon set statement_timeout = '3s';
alter role authenticated set statement_timeout = '8s';
alter role supabase_auth_admin set search_path = auth;
alter role supabase_auth_admin set idle_in_transaction_session_timeout = '60s';

-- Database and schemas -----------------------------------------------------------------------------------------

alter database postgres owner to postgres;
alter database postgres set search_path = "$user", public, extensions;

grant usage on schema public to anon, authenticated, service_role;

create schema extensions authorization postgres;
grant usage on schema extensions to public;
grant all on schema extensions to supabase_admin;

create schema auth authorization supabase_auth_admin;
grant usage on schema auth to anon, authenticated, service_role, postgres;

create schema realtime authorization supabase_admin;
grant usage on schema realtime to anon, authenticated, service_role, postgres;

-- Objects that the platform itself creates in public are for the API, whatever the project's own setting.
alter default privileges for role supabase_admin in schema public
  grant all on tables to postgres, anon, authenticated, service_role;
alter default privileges for role supabase_admin in schema public
  grant all on sequences to postgres, anon, authenticated, service_role;
alter default privileges for role supabase_admin in schema public
  grant all on functions to postgres, anon, authenticated, service_role;

-- Publication --------------------------------------------------------------------------------------------------

-- Owned by postgres, so that the owner of a table can publish it.
create publication supabase_realtime;
alter publication supabase_realtime owner to postgres;

-- The REST API's view of the schema ----------------------------------------------------------------------------

-- Says NOTIFY pgrst whenever the schema changes, as Supabase's triggers of these names do.
create function extensions.pgrst_ddl_watch() returns event_trigger language plpgsql as $$
begin
  notify pgrst, 'reload schema';
end
$$;

create event trigger pgrst_ddl_watch on ddl_command_end
  when tag in (
    'CREATE SCHEMA', 'ALTER SCHEMA', 'CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'ALTER TABLE',
    'CREATE FOREIGN TABLE', 'ALTER FOREIGN TABLE', 'CREATE VIEW', 'ALTER VIEW', 'CREATE MATERIALIZED VIEW',
    'ALTER MATERIALIZED VIEW', 'CREATE FUNCTION', 'ALTER FUNCTION', 'CREATE TRIGGER', 'CREATE TYPE', 'ALTER TYPE',
    'CREATE RULE', 'COMMENT'
  )
  execute function extensions.pgrst_ddl_watch();

create event trigger pgrst_drop_watch on sql_drop
  execute function extensions.pgrst_ddl_watch();
