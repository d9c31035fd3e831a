import type { Clock } from '#base/clock'
import type { Ids } from '#base/ids'
import { Problem } from '#base/problem'
import type { Actor, Transact } from '#ledger'
import type { Projects } from '#projects'
import type { Delivery, Webhook, WebhookReads, WebhookWrites, Webhooks } from '#webhooks'
import type { WorkWrites } from '#work'
import { destinationId, destinationRow, dialectFor } from './destination.ts'
import { wakeGroups } from './follow.ts'
import type { Group } from './group.ts'
import {
  checkedSilence,
  silenceAdded,
  silencedUntilMs,
  silenceEnded,
  type Silence,
} from './silence.ts'
import type { AlertingReads, AlertingWrites, TroublePage } from './store.ts'
import {
  COMMENT_CHARS_MAX,
  fits,
  troubleAcknowledged,
  type Matchers,
  type Trouble,
} from './trouble.ts'

export interface ShownTrouble extends Trouble {
  /** Until when nobody hears of it; null where nothing silences it. */
  readonly silencedUntilMs: number | null
}

export interface Destination {
  readonly project: string
  readonly name: string
  readonly kind: string
  /** Absent as long as nothing was sent. */
  readonly sent: Webhook | undefined
}

export interface Alerting {
  /** The last that came up first. */
  list(page: TroublePage): Promise<ShownTrouble[]>
  /** Throws `not-found`. */
  get(id: string): Promise<{ trouble: ShownTrouble; groups: Group[] }>
  /** Stops reminders and escalation, and tells receivers who looks after it. */
  acknowledge(actor: Actor, id: string, comment: string): Promise<ShownTrouble>
  silences(page: { limit: number; before?: string; active?: boolean }): Promise<Silence[]>
  silence(
    actor: Actor,
    given: { matchers: Matchers; comment: string; untilMs: number },
  ): Promise<Silence>
  /** Open troubles that these would silence now. */
  silencing(matchers: Matchers): Promise<Trouble[]>
  /** Ends a silence before its time. */
  endSilence(actor: Actor, id: string): Promise<Silence>
  destinations(): Promise<Destination[]>
  /** Sends an example now and tells how it was answered. */
  test(project: string, name: string): Promise<Delivery>
  deliveries(at: {
    project: string
    name: string
    limit: number
    before?: string
  }): Promise<Delivery[]>
}

export interface AlertingDependencies {
  readonly read: AlertingReads
  readonly webhookReads: WebhookReads
  readonly webhooks: Pick<Webhooks, 'test'>
  readonly projects: Projects
  readonly transact: Transact<{
    alerting: AlertingWrites
    webhooks: WebhookWrites
    work: WorkWrites
  }>
  readonly clock: Clock
  readonly ids: Ids
}

/** More open troubles than these are not counted for a preview. */
const PREVIEW_MAX = 1000

export function createAlerting(dependencies: AlertingDependencies): Alerting {
  const { read, webhookReads, clock } = dependencies
  const shown = async (troubles: readonly Trouble[]): Promise<ShownTrouble[]> => {
    const nowMs = clock.nowMs()
    const silences = await read.silencesAfter(nowMs)
    return troubles.map((trouble) => ({
      ...trouble,
      silencedUntilMs: silencedUntilMs(trouble, silences, nowMs) ?? null,
    }))
  }
  const one = async (trouble: Trouble): Promise<ShownTrouble> =>
    (await shown([trouble]))[0] as ShownTrouble
  return {
    list: async (page) => shown(await read.troubles(page)),
    get: async (id) => {
      const trouble = await one(await troubleOf(read, id))
      const groups = (await read.openGroups()).filter(({ members }) => members.includes(id))
      return { trouble, groups }
    },
    acknowledge: async (actor, id, comment) =>
      one(await acknowledged(dependencies, actor, { id, comment })),
    ...silencesOf(dependencies),
    destinations: () => destinationsOf(dependencies),
    test: (project, name) => tested(dependencies, project, name),
    deliveries: async ({ project, name, ...page }) => {
      await declared(dependencies, project, name)
      return webhookReads.deliveries({ webhook: destinationId(project, name), ...page })
    },
  }
}

async function acknowledged(
  { transact, clock, ids }: AlertingDependencies,
  actor: Actor,
  { id, comment }: { id: string; comment: string },
): Promise<Trouble> {
  if (comment.length > COMMENT_CHARS_MAX)
    throw new Problem('invalid', `the comment has at most ${COMMENT_CHARS_MAX} characters`)
  return transact(async (tx) => {
    const trouble = await troubleOf(tx.alerting, id)
    if (trouble.clearedMs !== null)
      throw new Problem('conflict', `the alert ${id} is over; there is nothing to look after`)
    if (trouble.acknowledged !== null) return trouble
    const given = { by: actor.id, comment, atMs: clock.nowMs() }
    const heard = { ...trouble, acknowledged: given }
    await tx.alerting.saveTrouble(heard)
    await tx.ledger.append(actor, [troubleAcknowledged(trouble, given)])
    await wakeGroups({ clock, ids }, tx, ({ members }) => members.includes(id))
    return heard
  })
}

function silencesOf(
  dependencies: AlertingDependencies,
): Pick<Alerting, 'silences' | 'silence' | 'silencing' | 'endSilence'> {
  const { read, transact, clock, ids } = dependencies
  return {
    silences: async ({ active, ...page }) =>
      active === true
        ? (await read.silencesAfter(clock.nowMs())).slice(0, page.limit)
        : read.silences(page),
    silence: async (actor, given) => {
      const createdMs = clock.nowMs()
      checkedSilence(given, createdMs)
      const silence = { ...given, id: ids.ulid(), by: actor.id, createdMs }
      await transact(async (tx) => {
        await tx.alerting.saveSilence(silence)
        await tx.ledger.append(actor, [silenceAdded(silence)])
        // Nobody is reminded of what was silenced a moment ago.
        await wakeGroups({ clock, ids }, tx, () => true)
      })
      return silence
    },
    silencing: async (matchers) =>
      (await read.troubles({ open: true, limit: PREVIEW_MAX })).filter((each) =>
        fits(each, matchers),
      ),
    endSilence: (actor, id) =>
      transact(async (tx) => {
        const silence = await tx.alerting.findSilence(id)
        if (silence === undefined)
          throw new Problem(
            'not-found',
            `there is no silence ${id}; "orrery alerts silences" lists them`,
          )
        const nowMs = clock.nowMs()
        if (silence.untilMs <= nowMs) return silence
        const ended = { ...silence, untilMs: nowMs }
        await tx.alerting.saveSilence(ended)
        await tx.ledger.append(actor, [silenceEnded(ended)])
        await wakeGroups({ clock, ids }, tx, () => true)
        return ended
      }),
  }
}

async function destinationsOf({
  projects,
  webhookReads,
}: AlertingDependencies): Promise<Destination[]> {
  const found: Destination[] = []
  for (const { name: project, config } of await projects.list())
    for (const [name, destination] of Object.entries(config.alerts?.destinations ?? {}))
      found.push({
        project,
        name,
        kind: Object.keys(destination)[0] ?? '',
        sent: await webhookReads.find(destinationId(project, name)),
      })
  return found
}

async function tested(
  dependencies: AlertingDependencies,
  project: string,
  name: string,
): Promise<Delivery> {
  const destination = await declared(dependencies, project, name)
  const { transact, clock, webhooks } = dependencies
  const id = destinationId(project, name)
  const dialect = dialectFor(destination)
  await transact(async (tx) => {
    const found = await tx.webhooks.find(id)
    const row = found ?? destinationRow({ project, name, dialect, nowMs: clock.nowMs() })
    if (found?.dialect !== dialect) await tx.webhooks.save({ ...row, dialect })
  })
  return webhooks.test(id)
}

/** Throws `not-found` with the names that there are. */
async function declared({ projects }: AlertingDependencies, project: string, name: string) {
  const { destinations = {} } = (await projects.get(project)).config.alerts ?? {}
  const destination = Object.hasOwn(destinations, name) ? destinations[name] : undefined
  if (destination !== undefined) return destination
  throw new Problem(
    'not-found',
    `the project ${project} has no destination ${name}; its orrery.yaml has ${Object.keys(destinations).join(', ') || 'none, under alerts: { destinations: … }'}`,
  )
}

async function troubleOf(read: Pick<AlertingReads, 'findTrouble'>, id: string): Promise<Trouble> {
  const trouble = await read.findTrouble(id)
  if (trouble !== undefined) return trouble
  throw new Problem('not-found', `there is no alert ${id}; "orrery alerts list" lists them`)
}
