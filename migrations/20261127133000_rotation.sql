alter table agents add column rotate_at timestamptz;
comment on column agents.rotate_at is 'An administrator wants another identity key in the place of the one it has; null once there is one.';
