import type { Clock } from '#base/clock'
import type { Ids } from '#base/ids'
import { platformActor, type Fact, type Transact } from '#ledger'
import type { AlertsConfig, ProjectReads } from '#projects'
import { withTurn as withDeliveryTurn, type WebhookWrites } from '#webhooks'
import type { Handler, WorkWrites } from '#work'
import { destinationId, destinationRow, dialectFor } from './destination.ts'
import { stepOf, type Group, type Telling } from './group.ts'
import { noticeOf, type Notice } from './notice.ts'
import type { Teller } from './teller.ts'
import type { AlertingWrites } from './store.ts'
import type { Trouble } from './trouble.ts'
import { newTurn, TELL_GROUP } from './turn.ts'

export interface TellTx {
  readonly alerting: AlertingWrites
  readonly projects: ProjectReads
  readonly webhooks: WebhookWrites
  readonly work: WorkWrites
}

export interface TellDependencies {
  readonly transact: Transact<TellTx>
  readonly tellers: Readonly<Record<string, Teller>>
  readonly clock: Clock
  readonly ids: Ids
}

const ALERTING = platformActor('alerts')
const GROUPS_AT_ONCE = 4
/** A destination that is away for longer than this has been given up by those who wanted it. */
const DELIVERY_LIFE_MS = 365 * 86_400_000

/** Looks at a group when its time has come, and puts what is to be told into the delivery log, in one transaction. */
export function tellHandler(dependencies: TellDependencies): Handler {
  const { transact, clock, ids } = dependencies
  return {
    kind: TELL_GROUP,
    concurrency: GROUPS_AT_ONCE,
    // It only fails when the store does.
    attemptsMax: Number.MAX_SAFE_INTEGER,
    run: async (job) => {
      const { group: id } = job.payload as { group: string }
      await transact(async (tx) => {
        const group = await tx.alerting.findGroup(id)
        if (group?.turn?.key === job.key) await tellGroup(dependencies, tx, group)
      })
    },
    abandoned: (job) =>
      transact(async (tx) => {
        const { group: id } = job.payload as { group: string }
        const group = await tx.alerting.findGroup(id)
        if (group?.turn?.key !== job.key) return
        await tx.alerting.saveGroup(await newTurn(group, clock.nowMs(), { work: tx.work, ids }))
      }),
  }
}

async function tellGroup(
  dependencies: TellDependencies,
  tx: TellTx & { ledger: Parameters<Parameters<Transact<TellTx>>[0]>[0]['ledger'] },
  before: Group,
): Promise<void> {
  const { tellers, clock, ids } = dependencies
  const { alerting, projects, work } = tx
  const nowMs = clock.nowMs()
  const alerts = (await projects.find(before.project))?.config.alerts
  // Without destinations nobody can be told any more.
  if (alerts === undefined) return alerting.saveGroup({ ...before, isOpen: false, turn: null })
  const troubles = await alerting.troublesOf(before.members)
  const { group, tellings, nextMs } = stepOf(before, troubles, {
    silences: await alerting.silencesAfter(nowMs),
    nowMs,
    forgetful: forgetfulIn(alerts, tellers),
  })
  let number = before.messages
  let told = before.told
  for (const telling of tellings) {
    number++
    const soFar = { ...group, told, messages: number }
    const notice = noticeOf(soFar, troubles, { telling, nowMs, link: alerts.link })
    const [position = 0] =
      telling.reason === 'refreshed'
        ? [troubles[0]?.position ?? 0]
        : await tx.ledger.append(ALERTING, [alertTold(soFar, telling, notice)])
    await send(dependencies, tx, { alerts, group: soFar, telling, notice, position })
    told = group.told
  }
  const done = { ...group, turn: null }
  await alerting.saveGroup(nextMs === null ? done : await newTurn(done, nextMs, { work, ids }))
}

/** Which destinations forget what they are not told again. */
function forgetfulIn(
  { destinations }: AlertsConfig,
  tellers: TellDependencies['tellers'],
): ReadonlySet<string> {
  return new Set(
    Object.entries(destinations)
      .filter(([, destination]) => tellers[dialectFor(destination)]?.forgets === true)
      .map(([name]) => name),
  )
}

async function send(
  { tellers, clock, ids }: TellDependencies,
  { webhooks, work }: TellTx,
  sending: {
    alerts: AlertsConfig
    group: Group
    telling: Telling
    notice: Notice
    position: number
  },
): Promise<void> {
  const { alerts, group, telling, notice, position } = sending
  const nowMs = clock.nowMs()
  for (const name of telling.to) {
    const destination = alerts.destinations[name]
    if (destination === undefined) continue
    const dialect = dialectFor(destination)
    const body = tellers[dialect]?.bodyOf(notice)
    if (body === undefined) continue
    const id = destinationId(group.project, name)
    const row =
      (await webhooks.find(id)) ?? destinationRow({ project: group.project, name, dialect, nowMs })
    if (isAgain(telling) && (await webhooks.nextDueMs(id)) !== undefined) continue
    await webhooks.addDeliveries([
      {
        id: `msg_${id}_${group.id}_${group.messages}`,
        place: ids.ulid(),
        webhook: id,
        event: `alert-${telling.reason}`,
        body,
        // What is over is never told before that it began.
        lane: group.id,
        position,
        state: 'waiting',
        attempts: 0,
        nextMs: nowMs,
        expiresMs: nowMs + DELIVERY_LIFE_MS,
        createdMs: nowMs,
        lastMs: null,
        response: null,
        error: null,
      },
    ])
    await webhooks.save(await withDeliveryTurn({ ...row, dialect }, nowMs, { work, ids }))
  }
}

/** What has news in it waits for a receiver that is away; the same once more does not. */
function isAgain({ reason }: Telling): boolean {
  return reason === 'repeated' || reason === 'refreshed'
}

function alertTold(group: Group, { reason, to }: Telling, notice: Notice): Fact {
  const named: readonly Trouble[] = notice.troubles.slice(0, 20)
  return {
    type: 'alert-told',
    data: {
      project: group.project,
      group: group.id,
      reason,
      to: [...to],
      title: notice.title,
      severity: notice.severity,
      open: notice.open,
      alerts: named.map(({ id }) => id),
    },
  }
}
