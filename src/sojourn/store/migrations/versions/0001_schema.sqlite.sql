CREATE TABLE api_keys (
	id INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	prefix TEXT NOT NULL, 
	hash TEXT NOT NULL, 
	scopes TEXT NOT NULL, 
	created BIGINT NOT NULL, 
	expires BIGINT DEFAULT 9223372036854775807 NOT NULL, 
	last_used BIGINT DEFAULT 0 NOT NULL, 
	revoked BIGINT DEFAULT 0 NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (hash)
);

CREATE TABLE attempts (
	fingerprint INTEGER NOT NULL, 
	tries BIGINT NOT NULL, 
	at BIGINT NOT NULL, 
	PRIMARY KEY (fingerprint)
);

CREATE TABLE codes (
	id INTEGER NOT NULL, 
	pool TEXT NOT NULL, 
	code TEXT NOT NULL, 
	taken BIGINT DEFAULT 0 NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (pool, code)
);

CREATE INDEX ix_codes_taken ON codes (taken);

CREATE TABLE consents (
	id INTEGER NOT NULL, 
	customer BIGINT NOT NULL, 
	channel TEXT NOT NULL, 
	purpose TEXT NOT NULL, 
	state TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	source TEXT NOT NULL, 
	proof TEXT NOT NULL, 
	PRIMARY KEY (id)
);

CREATE INDEX ix_consents_customer ON consents (customer);

CREATE TABLE costs (
	id INTEGER NOT NULL, 
	journey TEXT NOT NULL, 
	channel TEXT NOT NULL, 
	period TEXT NOT NULL, 
	currency TEXT NOT NULL, 
	begins BIGINT NOT NULL, 
	ends BIGINT NOT NULL, 
	amount BIGINT NOT NULL, 
	imported BIGINT NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (journey, channel, begins, ends, currency)
);

CREATE TABLE counts (
	shard SMALLINT NOT NULL, 
	version BIGINT NOT NULL, 
	step SMALLINT NOT NULL, 
	what TEXT NOT NULL, 
	name TEXT NOT NULL, 
	n BIGINT NOT NULL, 
	PRIMARY KEY (shard, version, step, what, name)
);

CREATE TABLE documents (
	id INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	name TEXT NOT NULL, 
	definition TEXT NOT NULL, 
	text TEXT DEFAULT '' NOT NULL, 
	version BIGINT DEFAULT 1 NOT NULL, 
	updated BIGINT NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (kind, name)
);

CREATE TABLE effects (
	"key" BIGINT NOT NULL, 
	run BIGINT NOT NULL, 
	version BIGINT NOT NULL, 
	journey BIGINT NOT NULL, 
	step SMALLINT NOT NULL, 
	customer BIGINT NOT NULL, 
	partition SMALLINT NOT NULL, 
	channel TEXT NOT NULL, 
	template TEXT NOT NULL, 
	purpose TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	data TEXT DEFAULT '' NOT NULL, 
	planned BIGINT NOT NULL, 
	due BIGINT NOT NULL, 
	state SMALLINT DEFAULT 0 NOT NULL, 
	fence BIGINT DEFAULT 0 NOT NULL, 
	attempts BIGINT DEFAULT 0 NOT NULL, 
	lease BIGINT DEFAULT 0 NOT NULL, 
	provider_ref TEXT DEFAULT '' NOT NULL, 
	reason TEXT DEFAULT '' NOT NULL, 
	content BIGINT DEFAULT 0 NOT NULL, 
	intended BIGINT DEFAULT 0 NOT NULL, 
	PRIMARY KEY ("key")
);

CREATE INDEX effects_claimable ON effects (channel, due) WHERE state IN (0, 4);

CREATE INDEX effects_leased ON effects (lease) WHERE state IN (1, 2);

CREATE INDEX ix_effects_customer ON effects (customer);

CREATE TABLE events (
	position INTEGER NOT NULL, 
	xid BIGINT DEFAULT 0 NOT NULL, 
	partition SMALLINT NOT NULL, 
	subject BIGINT NOT NULL, 
	"key" BIGINT NOT NULL, 
	run BIGINT DEFAULT 0 NOT NULL, 
	name BIGINT NOT NULL, 
	happened BIGINT NOT NULL, 
	received BIGINT NOT NULL, 
	origin SMALLINT NOT NULL, 
	properties TEXT NOT NULL, 
	traits TEXT NOT NULL, 
	PRIMARY KEY (position), 
	UNIQUE ("key")
);

CREATE TABLE hits (
	id INTEGER NOT NULL, 
	effect BIGINT NOT NULL, 
	n SMALLINT NOT NULL, 
	at BIGINT NOT NULL, 
	ip TEXT NOT NULL, 
	agent TEXT NOT NULL, 
	machine SMALLINT NOT NULL, 
	PRIMARY KEY (id)
);

CREATE INDEX ix_hits_effect ON hits (effect);

CREATE TABLE imports (
	id INTEGER NOT NULL, 
	file TEXT NOT NULL, 
	fingerprint TEXT NOT NULL, 
	mapping TEXT NOT NULL, 
	done BIGINT DEFAULT 0 NOT NULL, 
	state TEXT NOT NULL, 
	error TEXT DEFAULT '' NOT NULL, 
	created BIGINT NOT NULL, 
	updated BIGINT NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (fingerprint)
);

CREATE TABLE journeys (
	id INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	draft TEXT NOT NULL, 
	state TEXT NOT NULL, 
	created BIGINT NOT NULL, 
	updated BIGINT NOT NULL, 
	etag BIGINT DEFAULT 1 NOT NULL, 
	paused BIGINT DEFAULT 0 NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (name)
);

CREATE TABLE lake_segments (
	id INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	bucket BIGINT NOT NULL, 
	generation BIGINT NOT NULL, 
	first BIGINT NOT NULL, 
	last BIGINT NOT NULL, 
	earliest BIGINT NOT NULL, 
	latest BIGINT NOT NULL, 
	rows BIGINT NOT NULL, 
	bytes BIGINT NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (name)
);

CREATE INDEX ix_lake_segments_bucket ON lake_segments (bucket);

CREATE TABLE links (
	effect BIGINT NOT NULL, 
	n SMALLINT NOT NULL, 
	url TEXT NOT NULL, 
	PRIMARY KEY (effect, n)
);

CREATE TABLE memberships (
	segment BIGINT NOT NULL, 
	partition SMALLINT NOT NULL, 
	members BLOB NOT NULL, 
	version BIGINT DEFAULT 0 NOT NULL, 
	horizon BIGINT DEFAULT 9223372036854775807 NOT NULL, 
	PRIMARY KEY (segment, partition)
);

CREATE TABLE merges (
	id INTEGER NOT NULL, 
	kept BIGINT NOT NULL, 
	merged BIGINT NOT NULL, 
	at BIGINT NOT NULL, 
	reason TEXT NOT NULL, 
	undone BIGINT DEFAULT 0 NOT NULL, 
	PRIMARY KEY (id)
);

CREATE INDEX ix_merges_kept ON merges (kept);

CREATE INDEX ix_merges_merged ON merges (merged);

CREATE TABLE messages (
	effect BIGINT NOT NULL, 
	customer BIGINT NOT NULL, 
	recipient TEXT NOT NULL, 
	subject TEXT NOT NULL, 
	html TEXT NOT NULL, 
	text TEXT NOT NULL, 
	headers TEXT NOT NULL, 
	hash TEXT NOT NULL, 
	created BIGINT NOT NULL, 
	PRIMARY KEY (effect)
);

CREATE INDEX ix_messages_customer ON messages (customer);

CREATE INDEX messages_by_number ON messages (recipient) WHERE substr(recipient, 1, 1) = '+';

CREATE TABLE names (
	code INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	PRIMARY KEY (code), 
	UNIQUE (name)
);

CREATE TABLE offsets (
	name TEXT NOT NULL, 
	xid BIGINT DEFAULT 0 NOT NULL, 
	position BIGINT DEFAULT 0 NOT NULL, 
	PRIMARY KEY (name)
);

CREATE TABLE optins (
	token TEXT NOT NULL, 
	customer BIGINT NOT NULL, 
	channel TEXT NOT NULL, 
	purpose TEXT NOT NULL, 
	created BIGINT NOT NULL, 
	expires BIGINT NOT NULL, 
	used BIGINT DEFAULT 0 NOT NULL, 
	PRIMARY KEY (token)
);

CREATE TABLE partitions (
	id INTEGER NOT NULL, 
	read_xid BIGINT DEFAULT 0 NOT NULL, 
	read_position BIGINT DEFAULT 0 NOT NULL, 
	met BIGINT DEFAULT 0 NOT NULL, 
	ticked BIGINT DEFAULT 0 NOT NULL, 
	due BIGINT DEFAULT 9223372036854775807 NOT NULL, 
	PRIMARY KEY (id)
);

CREATE TABLE push_subscriptions (
	"key" BIGINT NOT NULL, 
	customer BIGINT NOT NULL, 
	subscription TEXT NOT NULL, 
	created BIGINT NOT NULL, 
	gone BIGINT DEFAULT 0 NOT NULL, 
	PRIMARY KEY ("key")
);

CREATE INDEX ix_push_subscriptions_customer ON push_subscriptions (customer);

CREATE TABLE quarantine (
	id INTEGER NOT NULL, 
	at BIGINT NOT NULL, 
	source TEXT NOT NULL, 
	raw TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	tries BIGINT DEFAULT 1 NOT NULL, 
	replayed BIGINT DEFAULT 0 NOT NULL, 
	PRIMARY KEY (id)
);

CREATE TABLE rates (
	name TEXT NOT NULL, 
	ready BIGINT NOT NULL, 
	PRIMARY KEY (name)
);

CREATE TABLE runs (
	id BIGINT NOT NULL, 
	version BIGINT NOT NULL, 
	journey BIGINT NOT NULL, 
	customer BIGINT NOT NULL, 
	partition SMALLINT NOT NULL, 
	slot BIGINT DEFAULT 0 NOT NULL, 
	step SMALLINT NOT NULL, 
	hop BIGINT NOT NULL, 
	entered BIGINT NOT NULL, 
	since BIGINT NOT NULL, 
	due BIGINT NOT NULL, 
	seen BIGINT NOT NULL, 
	"left" BIGINT DEFAULT 9223372036854775807 NOT NULL, 
	reason TEXT DEFAULT '' NOT NULL, 
	entry_key BIGINT DEFAULT 0 NOT NULL, 
	PRIMARY KEY (id)
);

CREATE INDEX runs_by_customer ON runs (customer, journey, slot);

CREATE INDEX runs_due ON runs (partition, due, customer) WHERE due < 9223372036854775807;

CREATE TABLE segments (
	id INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	rule TEXT NOT NULL, 
	version BIGINT DEFAULT 1 NOT NULL, 
	updated BIGINT NOT NULL, 
	text TEXT DEFAULT '' NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (name)
);

CREATE TABLE settings (
	name TEXT NOT NULL, 
	value TEXT NOT NULL, 
	etag BIGINT DEFAULT 1 NOT NULL, 
	text TEXT DEFAULT '' NOT NULL, 
	PRIMARY KEY (name)
);

CREATE TABLE subject_links (
	"left" BIGINT NOT NULL, 
	"right" BIGINT NOT NULL, 
	happened BIGINT NOT NULL, 
	"key" BIGINT NOT NULL, 
	standing SMALLINT NOT NULL, 
	PRIMARY KEY ("left", "right")
)
 WITHOUT ROWID;

CREATE TABLE subjects (
	id INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	value TEXT NOT NULL, 
	customer BIGINT NOT NULL, 
	kin BIGINT NOT NULL, 
	first_seen BIGINT NOT NULL, 
	changed BIGINT DEFAULT 0 NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (kind, value)
);

CREATE INDEX subjects_changed ON subjects (changed) WHERE changed > 0;

CREATE INDEX subjects_merged ON subjects (customer) WHERE customer <> id;

CREATE INDEX subjects_of_kin ON subjects (kin) WHERE kin <> id;

CREATE TABLE suppressions (
	kind TEXT NOT NULL, 
	value TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	PRIMARY KEY (kind, value)
);

CREATE TABLE tasks (
	"key" BIGINT NOT NULL, 
	customer BIGINT NOT NULL, 
	run BIGINT NOT NULL, 
	created BIGINT NOT NULL, 
	due BIGINT NOT NULL, 
	journey TEXT NOT NULL, 
	step TEXT NOT NULL, 
	title TEXT NOT NULL, 
	owner TEXT NOT NULL, 
	role TEXT NOT NULL, 
	awaited SMALLINT NOT NULL, 
	done BIGINT DEFAULT 0 NOT NULL, 
	outcome TEXT DEFAULT '' NOT NULL, 
	overdue BIGINT DEFAULT 0 NOT NULL, 
	PRIMARY KEY ("key")
);

CREATE INDEX tasks_open ON tasks (due) WHERE done = 0;

CREATE TABLE templates (
	id INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	version BIGINT NOT NULL, 
	text TEXT NOT NULL, 
	created BIGINT NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (name, version)
);

CREATE TABLE versions (
	id INTEGER NOT NULL, 
	journey BIGINT NOT NULL, 
	number BIGINT NOT NULL, 
	text TEXT NOT NULL, 
	published BIGINT NOT NULL, 
	state TEXT NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (journey, number)
);
