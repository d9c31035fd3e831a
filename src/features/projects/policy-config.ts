import { Type, type Static } from 'typebox'
import { durationPattern, exactlyOne, Name, strict } from './config-words.ts'
import { DataChoiceSchema } from './data-choice.ts'

const Duration = Type.String({ pattern: durationPattern })
const Scalar = Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Null()])

const CatchUp = Type.Union([Type.Literal('none'), Type.Literal('last'), Type.Literal('all')])

const Schedule = Type.Union([
  Type.String({ minLength: 1, maxLength: 200 }),
  Type.Object(
    {
      cron: Type.String({ minLength: 1, maxLength: 200 }),
      /** An IANA name; UTC without. */
      timezone: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
      /** What becomes of ticks that passed while no server ran; `last` without. */
      catch_up: Type.Optional(CatchUp),
    },
    strict,
  ),
])

const EventType = Type.String({ pattern: '^[a-z][a-z0-9-]*$', maxLength: 100 })

const Event = Type.Union([
  EventType,
  Type.Object(
    {
      type: EventType,
      where: Type.Optional(Type.Record(Type.String({ minLength: 1, maxLength: 200 }), Scalar)),
    },
    strict,
  ),
])

const Words = Type.Union([
  Type.String({ minLength: 1, maxLength: 1000 }),
  Type.Array(Type.String({ minLength: 1, maxLength: 1000 }), { minItems: 1, maxItems: 100 }),
])

/** What an alert has to be about. */
const AlertTrigger = Type.Union([
  Name,
  Type.Object(
    {
      endpoint: Name,
      kind: Type.Optional(Words),
      /** A column, metric, slice or group. */
      subject: Type.Optional(Words),
      /** The least that it has to be. */
      severity: Type.Optional(Type.Union([Type.Literal('warning'), Type.Literal('critical')])),
    },
    strict,
  ),
])

const Path = Type.String({ minLength: 1, maxLength: 1024 })

const TriggerSchema = Type.Union([
  Type.Literal('manual'),
  Type.Object(
    {
      drift: Type.Optional(Name),
      performance: Type.Optional(Name),
      /** Whatever alerts are raised for. */
      alert: Type.Optional(AlertTrigger),
      schedule: Type.Optional(Schedule),
      /** Path of tracked data. */
      data: Type.Optional(Path),
      /** A table of `tables`, or of the `datasets` in `dvc.yaml`. */
      delta: Type.Optional(Name),
      /** A branch of the project's repository. */
      push: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
      /** A hook of `hooks`. */
      webhook: Type.Optional(Name),
      /** A type of ledger entries. */
      event: Type.Optional(Event),
    },
    exactlyOne,
  ),
])

const Concurrency = Type.Union([
  Name,
  Type.Object(
    {
      /** Policies of one group count together; without it a policy is alone in its group. */
      group: Type.Optional(Name),
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
      when_busy: Type.Optional(
        Type.Union([Type.Literal('queue'), Type.Literal('skip'), Type.Literal('cancel_running')]),
      ),
    },
    strict,
  ),
])

/** When something happens, what is run and what follows. */
export const PolicySchema = Type.Object(
  {
    on: Type.Array(TriggerSchema, { minItems: 1, maxItems: 50 }),
    run: Type.String({ minLength: 1 }),
    /** Params for the run, as `orrery run -S` takes them; `{date}` and `{tick}` stand for when it was due, `{version}` for that of a table. */
    set: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 1000 }), { maxItems: 100 }),
    ),
    data: Type.Record(Type.String(), DataChoiceSchema, { default: {} }),
    /** How long a policy rests after it has acted: a day after a finding, not at all after anything else. */
    cooldown: Type.Optional(Duration),
    concurrency: Type.Optional(Concurrency),
    budget: Type.Optional(
      Type.Object({ runs: Type.Integer({ minimum: 1, maximum: 100_000 }), per: Duration }, strict),
    ),
    /** Rests longer, doubling, when so many runs after one another did not help. */
    backoff: Type.Optional(
      Type.Object(
        {
          after: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
          max: Type.Optional(Duration),
        },
        strict,
      ),
    ),
    enabled: Type.Optional(Type.Boolean()),
    then: Type.Optional(Type.String({ pattern: '^promote [^@ ]+@[\\w-]+$' })),
  },
  strict,
)

/** Who may call from outside, and how its calls prove that they are from there. */
export const HookSchema = Type.Object(
  {
    from: Type.Union([
      Type.Literal('github'),
      Type.Literal('gitlab'),
      Type.Literal('gitea'),
      Type.Literal('hmac'),
    ]),
    /** Name of the server's environment variable that holds the secret. */
    secret: Type.String({ pattern: '^[A-Z][A-Z0-9_]{0,99}$' }),
  },
  strict,
)

/** A table whose versions are watched. */
export const WatchedTableSchema = Type.Object({ delta: Path }, strict)

export type PolicyConfig = Static<typeof PolicySchema>
export type HookConfig = Static<typeof HookSchema>
type Scalar = Static<typeof Scalar>

export interface CronSchedule {
  readonly cron: string
  readonly timezone: string
}

/** One thing that sets a policy off, with nothing left out. */
export type Trigger =
  | { readonly kind: 'drift' | 'performance'; readonly endpoint: string }
  | {
      readonly kind: 'alert'
      readonly endpoint: string
      /** Of whatever kind where there are none. */
      readonly kinds: readonly string[]
      readonly subjects: readonly string[]
      readonly severity: 'warning' | 'critical'
    }
  | ({ readonly kind: 'schedule'; readonly catchUp: Static<typeof CatchUp> } & CronSchedule)
  | { readonly kind: 'data'; readonly path: string }
  | { readonly kind: 'delta'; readonly table: string }
  | { readonly kind: 'push'; readonly branch: string }
  | { readonly kind: 'webhook'; readonly hook: string }
  | {
      readonly kind: 'event'
      readonly type: string
      readonly where: Readonly<Record<string, Scalar>>
    }
  | { readonly kind: 'manual' }

export type TriggerOf<Kind extends Trigger['kind']> = Extract<Trigger, { kind: Kind }>

export function triggersOf({ on }: Pick<PolicyConfig, 'on'>): Trigger[] {
  return on.map((trigger): Trigger => {
    if (trigger === 'manual') return { kind: 'manual' }
    const { drift, performance, alert, schedule, data, delta, push, webhook, event } = trigger
    if (drift !== undefined) return { kind: 'drift', endpoint: drift }
    if (performance !== undefined) return { kind: 'performance', endpoint: performance }
    if (alert !== undefined) return alertTrigger(alert)
    if (schedule !== undefined) return scheduleTrigger(schedule)
    if (data !== undefined) return { kind: 'data', path: data.replace(/\/+$/, '') }
    if (delta !== undefined) return { kind: 'delta', table: delta }
    if (push !== undefined) return { kind: 'push', branch: push }
    if (webhook !== undefined) return { kind: 'webhook', hook: webhook }
    return typeof event === 'string'
      ? { kind: 'event', type: event, where: {} }
      : { kind: 'event', type: event?.type ?? '', where: event?.where ?? {} }
  })
}

function alertTrigger(alert: Static<typeof AlertTrigger>): TriggerOf<'alert'> {
  const said = typeof alert === 'string' ? { endpoint: alert } : alert
  const { endpoint, kind = [], subject = [], severity = 'warning' } = said
  return { kind: 'alert', endpoint, kinds: [kind].flat(), subjects: [subject].flat(), severity }
}

function scheduleTrigger(schedule: Static<typeof Schedule>): TriggerOf<'schedule'> {
  const {
    cron,
    timezone = 'UTC',
    catch_up = 'last',
  } = typeof schedule === 'string' ? { cron: schedule } : schedule
  return {
    kind: 'schedule',
    cron: cron.trim().replaceAll(/\s+/g, ' '),
    timezone,
    catchUp: catch_up,
  }
}
