-- Whether this is the database that the last server left, or one that came back from a crash, a copy or a backup.

create unlogged table continuity (
    database oid primary key
);
comment on table continuity is 'One row, written when a server starts. Unlogged: what comes back from a crash, from a snapshot or as a promoted replica comes without it, and a restored dump bears another database''s id. Then what was open may have gone on elsewhere, and counts as touched.';
comment on column continuity.database is 'pg_database.oid of this database.';
