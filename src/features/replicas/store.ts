/** A server that shares the database with others. */
export interface Replica {
  /** New at each start of a server. */
  readonly id: string
  /** The id of its home, which stays the same. */
  readonly home: string
  /** Where the others reach it. */
  readonly url: string
  readonly version: string
  readonly startedMs: number
}

/** Which home does what only one may do, and since when. */
export interface Lead {
  readonly home: string
  readonly replica: string
  readonly sinceMs: number
}

export interface ReplicaReads {
  list(): Promise<Replica[]>
  lead(): Promise<Lead | undefined>
  /** The names of keys that all servers must share, each with the fingerprint of the one they have. */
  pinnedKeys(): Promise<ReadonlyMap<string, string>>
}

export interface ReplicaWrites extends ReplicaReads {
  add(replica: Replica): Promise<void>
  remove(ids: readonly string[]): Promise<void>
  saveLead(lead: Lead): Promise<void>
  /** The fingerprint under that name: the one that is given, unless there is one already. */
  pinKey(name: string, fingerprint: string): Promise<string>
}

/** Who is there at this moment. What a server says here is unsaid at once when it ends, however it ends. */
export interface Presence {
  /** Says that `name` is there for as long as this process is and reaches the database. */
  enter(name: string): Promise<void>
  /** Takes a role that one at a time can have; says whether this process has it now. */
  take(role: string): Promise<boolean>
  drop(role: string): Promise<void>
  /** Whether this process has the role without a break since it took it. Asks the database. */
  has(role: string): Promise<boolean>
  /** Those of the names that are there. */
  among(names: readonly string[]): Promise<ReadonlySet<string>>
}
