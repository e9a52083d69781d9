-- Whoever asks how a directory's agents are asks by connector: with every submit that no agent waits for, too.
create index agents_connector on agents (connector_id);
