export const TOLD_PROFILES = `
-- What predictions of other systems looked like, of which nobody has the rows: each profile once, by what it holds.
create table told_profiles (
  endpoint integer not null,
  digest text not null,
  -- Of what else was said of it.
  said text not null,
  hour integer not null,
  revision integer not null,
  model_version text not null,
  rows integer not null,
  body blob not null,
  primary key (endpoint, digest)
) strict;
create index told_profiles_by_hour on told_profiles (endpoint, hour);
`
