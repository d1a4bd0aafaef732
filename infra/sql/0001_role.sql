-- The role the application works as, whoever it logs in as. It owns nothing: what it may do is
-- granted, table by table. Roles belong to the whole server, so it may be there already.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'quartier_app') THEN
        CREATE ROLE quartier_app NOLOGIN;
    END IF;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN
        NULL;  -- another database of this server was being migrated at the same moment
END
$$;

-- Whoever migrates must be able to work as that role too; a superuser is already.
DO $$
BEGIN
    IF NOT pg_has_role(current_user, 'quartier_app', 'USAGE') THEN
        GRANT quartier_app TO CURRENT_USER;
    END IF;
END
$$;

-- Read models come and go: they are the application's to write. What must not be changed is
-- taken out again where it is made.
GRANT USAGE ON SCHEMA public TO quartier_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON TABLES TO quartier_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA public
    GRANT USAGE, SELECT ON SEQUENCES TO quartier_app;
