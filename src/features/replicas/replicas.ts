import type { Clock } from '#base/clock'
import type { Logger } from '#base/logger'
import { messageOf } from '#base/problem'
import type { Transact } from '#ledger'
import type { WorkReads, WorkWrites } from '#work'
import { absences } from './absences.ts'
import type { Presence, Replica, ReplicaReads, ReplicaWrites } from './store.ts'

/** A server that shares the database, as people are shown it. */
export interface ShownReplica extends Replica {
  readonly leads: boolean
  /** Whether it is there at this moment. */
  readonly isThere: boolean
}

/**
 * The servers that share one database. All of them do everything, but for what needs the prediction log, models in
 * memory or clones of projects: that is done by one of them, which leads.
 */
export interface Replicas {
  /** This server, as the owner of the jobs that it takes. */
  readonly id: string
  leads(): boolean
  list(): Promise<ShownReplica[]>
  /** Whoever leads, or led last; undefined before the first. */
  leader(): Promise<ShownReplica | undefined>
  /** Joins the others, and leads if nobody does. */
  start(): Promise<void>
  /** Looks now at how the others stand, as happens by itself all the time. */
  look(): Promise<void>
  stop(): Promise<void>
}

export interface ReplicaDependencies {
  readonly read: { readonly replicas: ReplicaReads; readonly work: WorkReads }
  readonly transact: Transact<{ replicas: ReplicaWrites; work: WorkWrites }>
  /** Absent where only one process can have the database. */
  readonly presence: Presence | undefined
  readonly id: string
  /** This server, once it listens. */
  readonly me: () => Replica
  readonly clock: Clock
  readonly logger: Logger
  /** Whether the home that led last holds what is nowhere else. */
  readonly isBound: () => Promise<boolean>
  /** Whether this server may lead although another home is bound to. */
  readonly mayTakeBound: boolean
  /** Whether this process can use the database no longer. */
  readonly isOutdated: () => Promise<boolean>
  /** Told each time this server begins to lead. */
  readonly onLead: () => Promise<void>
  /** Told that this process has to end, and why. */
  readonly onDismissal: (reason: string) => void
}

const LEAD = 'lead'
const LOOK_MS = 500

export function createReplicas(dependencies: ReplicaDependencies): Replicas {
  const { read, presence, me, logger } = dependencies
  const leading = leadership(dependencies)
  const clear = clearance(dependencies)
  let looking: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined

  const list = async (): Promise<ShownReplica[]> => {
    const lead = await read.replicas.lead()
    const replicas = presence === undefined ? [me()] : await read.replicas.list()
    const there = await presence?.among(replicas.map(({ id }) => id))
    return replicas.map((replica) =>
      Object.assign(
        {
          leads: there === undefined || lead?.replica === replica.id,
          isThere: there === undefined || there.has(replica.id),
        },
        replica,
      ),
    )
  }
  const lookOnce = async () => {
    try {
      if (await dependencies.isOutdated())
        return dependencies.onDismissal('a newer version has migrated the database')
      await leading.look()
      await clear()
    } catch (error) {
      logger.warn({ error: messageOf(error) }, 'could not look at the other servers')
    }
  }
  const look = () => {
    looking ??= lookOnce().finally(() => {
      looking = undefined
    })
    return looking
  }

  return {
    id: dependencies.id,
    leads: () => presence === undefined || leading.leads(),
    list,
    leader: async () => (await list()).find(({ leads }) => leads),
    look,
    start: async () => {
      if (presence === undefined) return dependencies.onLead()
      await presence.enter(me().id)
      await dependencies.transact(({ replicas }) => replicas.add(me()))
      await look()
      timer = setInterval(() => void look(), LOOK_MS)
    },
    stop: async () => {
      clearInterval(timer)
      await looking
      if (timer === undefined) return
      await dependencies.transact(({ replicas }) => replicas.remove([me().id]))
      await presence?.drop(LEAD)
    },
  }
}

/** Who leads: the holder of a lock that the database frees when its holder ends. */
function leadership(dependencies: ReplicaDependencies) {
  const { read, transact, presence, me, clock, logger, isBound, onDismissal } = dependencies
  let leads = false
  let mayTakeBound = dependencies.mayTakeBound
  const absent = absences(clock)

  const mayLead = async () => {
    const lead = await read.replicas.lead()
    if (lead === undefined || lead.home === me().home) return true
    // It may only have lost its connection for a moment, or be started anew.
    const held = (await presence?.among([LEAD])) ?? new Set()
    if (held.size > 0) mayTakeBound = false
    if (absent(held.has(LEAD) ? [] : [LEAD]).length === 0) return false
    return mayTakeBound || !(await isBound())
  }
  const take = async () => {
    if ((await presence?.take(LEAD)) !== true) return false
    const { id, home } = me()
    const sinceMs = clock.nowMs()
    await transact(({ replicas }) => replicas.saveLead({ home, replica: id, sinceMs }))
    return true
  }
  return {
    leads: () => leads,
    look: async () => {
      if (leads && (await presence?.has(LEAD)) === true) return
      const led = leads
      leads = (await mayLead()) && (await take())
      if (leads === led) return
      logger.info({ replica: me().id }, leads ? 'leading' : 'following')
      if (leads) await dependencies.onLead()
      else if (await isBound())
        onDismissal('another server leads now, and this one has answered for its endpoints')
    },
  }
}

/** Takes those who have ended off the list, and their jobs out of their hands. */
function clearance({ read, transact, presence, clock, logger }: ReplicaDependencies) {
  const absent = absences(clock)
  return async () => {
    const replicas = (await read.replicas.list()).map(({ id }) => id)
    const lead = await read.replicas.lead()
    const owners = await read.work.owners()
    const all = [...new Set([...replicas, ...owners])]
    const there = (await presence?.among(all)) ?? new Set(all)
    const gone = absent(all.filter((id) => !there.has(id)))
    if (gone.length === 0) return
    // The one that led stays on the list, so that people are told where it was.
    const unlisted = gone.filter((id) => replicas.includes(id) && id !== lead?.replica)
    const cutShort = gone.filter((id) => owners.includes(id))
    if (unlisted.length === 0 && cutShort.length === 0) return
    const jobs = await transact(async (tx) => {
      await tx.replicas.remove(unlisted)
      return tx.work.releaseOf(cutShort)
    })
    logger.info({ replicas: gone, jobs }, 'other servers have ended')
  }
}
