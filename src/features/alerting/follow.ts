import type { Clock } from '#base/clock'
import type { Ids } from '#base/ids'
import type { Entry, Follower } from '#ledger'
import type { Project, ProjectReads } from '#projects'
import type { WebhookWrites } from '#webhooks'
import type { WorkWrites } from '#work'
import { declaredIn, isDestinationOf } from './destination.ts'
import { joined, type Group } from './group.ts'
import { saidBy, TOLD_BY, type Said } from './reading.ts'
import { placesOf, type Place } from './routes.ts'
import type { AlertingWrites } from './store.ts'
import { isOpen, type Trouble } from './trouble.ts'
import { withTurn } from './turn.ts'

interface Tx {
  readonly alerting: AlertingWrites
  readonly projects: ProjectReads
  readonly webhooks: WebhookWrites
  readonly work: WorkWrites
}

interface World {
  readonly clock: Clock
  readonly ids: Ids
}

/** Open troubles are looked through in pages of this size when routes have changed. */
const PAGE = 200

/** Keeps what troubles whom, and sees to it that somebody looks at each group in time. Telling is a job's. */
export function alertFollower(world: World): Follower<Tx> {
  return {
    name: 'alerts',
    types: [...TOLD_BY, 'project-added', 'project-synced'],
    follow: async (entry, tx) => {
      const { project } = entry.data
      if (entry.type === 'project-added' || entry.type === 'project-synced')
        return typeof project === 'string' ? routeAnew(world, tx, project) : undefined
      const said = saidBy(entry)
      if (said?.says === 'raised') await raise(world, tx, { entry, said })
      if (said?.says === 'cleared') await clear(world, tx, { entry, keys: said.keys })
    },
  }
}

async function raise(
  world: World,
  tx: Tx,
  { entry, said }: { entry: Entry; said: Extract<Said, { says: 'raised' }> },
): Promise<void> {
  const { id, key, kind, subject, severity, detail, endpoint } = said
  const projects = await tx.projects.list()
  const open = await tx.alerting.openTrouble(key)
  const trouble: Trouble =
    open === undefined
      ? {
          id,
          key,
          place: world.ids.ulid(),
          project: said.project ?? declaringProject(projects, endpoint),
          endpoint,
          kind,
          subject,
          severity,
          detail,
          raisedMs: entry.eventMs ?? entry.atMs,
          clearedMs: null,
          acknowledged: null,
          position: entry.position,
        }
      : // Who has acknowledged it has not acknowledged that it is worse.
        { ...open, severity, detail, ...(severity === open.severity ? {} : { acknowledged: null }) }
  await tx.alerting.saveTrouble(trouble)
  for (const place of placesOf(trouble, projects)) await join(world, tx, { trouble, place })
}

async function clear(
  world: World,
  tx: Tx,
  { entry, keys }: { entry: Entry; keys: readonly string[] },
): Promise<void> {
  for (const key of keys) {
    const open = await tx.alerting.openTrouble(key)
    if (open === undefined) continue
    await tx.alerting.saveTrouble({ ...open, clearedMs: entry.eventMs ?? entry.atMs })
    await wakeGroups(world, tx, (group) => group.members.includes(open.id))
  }
}

/** Has somebody look now at the groups that a change may mean something for. */
export async function wakeGroups(
  { clock, ids }: World,
  { alerting, work }: Pick<Tx, 'alerting' | 'work'>,
  isMeant: (group: Group) => boolean,
): Promise<void> {
  const nowMs = clock.nowMs()
  for (const group of (await alerting.openGroups()).filter(isMeant)) {
    const next = await withTurn(group, nowMs, { work, ids })
    if (next !== group) await alerting.saveGroup(next)
  }
}

function declaringProject(projects: readonly Project[], endpoint: string): string {
  const declares = ({ config }: Project) => Object.hasOwn(config.endpoints, endpoint)
  return projects.find(declares)?.name ?? ''
}

async function join(
  world: World,
  { alerting, work }: Pick<Tx, 'alerting' | 'work'>,
  { trouble, place }: { trouble: Trouble; place: Place },
): Promise<void> {
  const { clock, ids } = world
  const nowMs = clock.nowMs()
  const found = await alerting.openGroup(place.key)
  const group = found ?? newGroup(place, { id: ids.ulid(), nowMs })
  const over = new Set(
    group.members.length === 0
      ? []
      : (await alerting.troublesOf(group.members))
          .filter((each) => !isOpen(each))
          .map(({ id }) => id),
  )
  const bigger = { ...joined(group, trouble.id, over), route: place.route }
  await alerting.saveGroup(await withTurn(bigger, nowMs, { work, ids }))
}

function newGroup(place: Place, { id, nowMs }: { id: string; nowMs: number }): Group {
  return {
    id,
    ...place,
    isOpen: true,
    openedMs: nowMs,
    members: [],
    told: [],
    firstToldMs: null,
    lastToldMs: null,
    lastRefreshedMs: null,
    destinations: [],
    escalated: 0,
    messages: 0,
    turn: null,
  }
}

/** Tells open troubles by a project's routes as they are now, and lets go of what these have no place for. */
async function routeAnew(world: World, tx: Tx, name: string): Promise<void> {
  const projects = (await tx.projects.list()).filter((project) => project.name === name)
  const keys = new Set<string>()
  for (let before: string | undefined; ;) {
    const page = await tx.alerting.troubles({
      open: true,
      limit: PAGE,
      ...(before === undefined ? {} : { before }),
    })
    for (const trouble of page)
      for (const place of placesOf(trouble, projects)) {
        keys.add(place.key)
        await join(world, tx, { trouble, place })
      }
    if (page.length < PAGE) break
    before = page.at(-1)?.place
  }
  for (const group of await tx.alerting.openGroups())
    if (group.project === name && !keys.has(group.key) && group.firstToldMs === null)
      await tx.alerting.saveGroup({ ...group, isOpen: false, turn: null })
  await forgetDestinations(tx, name, projects)
}

/** What waited for a destination that is not in the file any more has nobody to go to. */
async function forgetDestinations(
  { webhooks }: Tx,
  name: string,
  projects: readonly Project[],
): Promise<void> {
  const declared = new Set(projects.flatMap(declaredIn))
  for (const { id } of await webhooks.enabled())
    if (isDestinationOf(id, name) && !declared.has(id)) await webhooks.delete(id)
}
