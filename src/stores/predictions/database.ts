import BetterSqlite from 'better-sqlite3'
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { Problem } from '#base/problem'
import { TOLD_PROFILES } from './told-profiles-schema.ts'

export type Connection = BetterSqlite.Database

/** Rows of one batch are numbered in these bits of a prediction's place. */
const ROW_BITS = 20
const PLACES_PER_BATCH = 2 ** ROW_BITS

/** The place of a prediction: batches in the order they came, and the rows in each. */
export function placeOf(seq: number, row: number): number {
  return seq * PLACES_PER_BATCH + row
}

export function rowOfPlace(place: number): number {
  return place % PLACES_PER_BATCH
}

const SCHEMA = `
create table endpoints (
  id integer primary key,
  name text not null unique,
  watermark_ms integer,
  -- Batches up to here are read from segments; those up to swept_seq are gone from this file.
  sealed_seq integer not null default 0,
  swept_seq integer not null default 0,
  sealed_truth_seq integer not null default 0
) strict;
create table layouts (id integer primary key, columns text not null unique) strict;
create table revisions (
  id integer primary key,
  endpoint integer not null,
  number integer not null,
  role text not null,
  model_version text not null,
  outputs text not null,
  unique (endpoint, number)
) strict;
create table batches (
  seq integer primary key,
  id text not null unique,
  endpoint integer not null,
  digest text,
  layout integer not null,
  revision integer not null,
  at_ms integer not null,
  latency_ms real not null,
  rows integer not null
) strict;
create index batches_of_endpoint on batches (endpoint, seq);
-- Kept for ever, so that a truth finds its predictions and the other way round.
create table subjects (
  place integer primary key,
  endpoint integer not null,
  event_ms integer not null,
  key text
) strict;
create index subjects_by_event on subjects (endpoint, event_ms);
create index subjects_by_key on subjects (endpoint, key) where key is not null;
create table inputs (place integer primary key, inputs text not null) strict;
create table answers (
  place integer not null,
  revision integer not null,
  outputs text not null,
  primary key (place, revision)
) strict, without rowid;
create table truths (
  endpoint integer not null,
  kind text not null,
  ref text not null,
  label text not null,
  time_ms integer,
  at_ms integer not null,
  primary key (endpoint, kind, ref)
) strict, without rowid;
-- Every report in its order; truths above has the newest of each.
create table truth_log (
  seq integer primary key autoincrement,
  endpoint integer not null,
  kind text not null,
  ref text not null,
  label text not null,
  time_ms integer,
  at_ms integer not null
) strict;
create index truth_log_of_endpoint on truth_log (endpoint, seq);
create table hours (
  endpoint integer not null,
  hour integer not null,
  predictions integer not null,
  labels integer not null,
  primary key (endpoint, hour)
) strict, without rowid;
create table segments (
  id text primary key,
  endpoint integer not null,
  kind text not null,
  first_seq integer not null,
  last_seq integer not null,
  state text not null,
  digest text,
  rows integer,
  from_ms integer,
  to_ms integer
) strict;
create index segments_of_endpoint on segments (endpoint, kind, last_seq);
`

const JOURNAL_AND_FEEDBACK = `
-- How far the journal has been taken over, in the transaction that took it.
create table journal (
  one integer primary key check (one = 1),
  file integer not null,
  offset integer not null
) strict;
insert into journal (one, file, offset) values (1, 0, 0);
-- Predictions that were answered and, by their endpoint's sampling, not logged.
alter table hours add column unlogged integer not null default 0;
-- What a Python model gave its answer as.
alter table batches add column form text;
-- A Python model may give other outputs from one answer to the next.
create table named_revisions (
  id integer primary key,
  endpoint integer not null,
  number integer not null,
  role text not null,
  model_version text not null,
  outputs text not null,
  unique (endpoint, number, outputs)
) strict;
insert into named_revisions select * from revisions;
drop table revisions;
alter table named_revisions rename to revisions;
create table feedback (
  endpoint integer not null,
  kind text not null,
  ref text not null,
  source text not null,
  label text,
  reward real,
  -- The number of the revision that answered; null while that is not known.
  revision integer,
  time_ms integer,
  at_ms integer not null,
  primary key (endpoint, kind, ref, source)
) strict, without rowid;
create index rewards_of_endpoint on feedback (endpoint, at_ms, revision, reward) where reward is not null;
`

const BLOCKS = `
-- Batches as the journal holds them, many in one row: one after the other from first_seq on. Whoever needs one of them in
-- the tables above has the block opened into those.
create table blocks (
  first_seq integer primary key,
  last_seq integer not null,
  endpoint integer not null,
  first_id text not null,
  last_id text not null,
  from_ms integer not null,
  to_ms integer not null,
  rows integer not null,
  -- Null when its rows are read from a segment; then thin says what is kept for ever.
  packed blob,
  thin blob
) strict;
create index blocks_of_endpoint on blocks (endpoint, last_seq);
create index blocks_by_id on blocks (first_id, last_id);
create index blocks_by_event on blocks (endpoint, from_ms);
`

const TOLD = `
-- Predictions that other systems made, by the names that those gave them. Kept for ever, as the places are.
create table told (
  id text not null,
  endpoint integer not null,
  place integer not null,
  -- Of what was said: the same again is known, anything else is refused.
  digest blob not null,
  primary key (id, endpoint)
) strict, without rowid;
create unique index told_by_place on told (place);
`

const PROFILES = `
-- Batches up to here are in profiles, in the transaction that put them there; none is swept before.
alter table endpoints add column profiled_seq integer not null default 0;
-- What the live answers of a revision looked like in an hour of event time: a sketch for each column.
create table profiles (
  endpoint integer not null,
  hour integer not null,
  revision integer not null,
  model_version text not null,
  rows integer not null,
  body blob not null,
  primary key (endpoint, hour, revision, model_version)
) strict;
`

const REPLACED = `
-- Labels of the hour's predictions that took the place of others: with the counts above, whether anything changed.
alter table hours add column replaced integer not null default 0;
`

/** Steps that bring the file to the newest form; a new step goes at the end. */
const STEPS: readonly string[] = [
  SCHEMA,
  JOURNAL_AND_FEEDBACK,
  BLOCKS,
  TOLD,
  PROFILES,
  REPLACED,
  TOLD_PROFILES,
]

/** Opens the log's file: one connection that writes durably, and one whose reads never wait for it. */
export function openDatabase(file: string): { writer: Connection; reader: Connection } {
  mkdirSync(dirname(file), { recursive: true })
  const writer = new BetterSqlite(file)
  writer.pragma('journal_mode = wal')
  writer.pragma('synchronous = full')
  writer.pragma('busy_timeout = 10000')
  writer.pragma('wal_autocheckpoint = 4000')
  const at = writer.pragma('user_version', { simple: true }) as number
  if (at > STEPS.length)
    throw new Problem(
      'conflict',
      `${file} was written by a newer version of Orrery; start that version or restore a backup`,
    )
  for (const [index, step] of STEPS.entries())
    if (index >= at)
      writer.transaction(() => {
        writer.exec(step)
        writer.pragma(`user_version = ${index + 1}`)
      })()
  const reader = new BetterSqlite(file, { readonly: true, fileMustExist: true })
  reader.pragma('busy_timeout = 10000')
  return { writer, reader }
}

const NO_SPACE = new Set(['SQLITE_FULL', 'SQLITE_IOERR_WRITE', 'SQLITE_IOERR_SHMSIZE'])

/** What an error of SQLite means to whoever asked; undefined for those that are bugs. */
export function problemOf(error: unknown): Problem | undefined {
  const { code } = error as { code?: string }
  // A limit of a file's size or a quota is told as a failure to write.
  if (code === undefined || !NO_SPACE.has(code)) return undefined
  return new Problem(
    'full',
    `the disk of the prediction log takes no more (${code}), so nothing was written; free some space, then send it again`,
  )
}
