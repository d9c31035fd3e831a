import { Type, type Static } from 'typebox'
import { durationPattern, exactlyOne, Name, strict } from './config-words.ts'

const Duration = Type.String({ pattern: durationPattern })

/** The name of a secret of the server, never the secret: what is in Git is read by many. */
const Secret = Type.String({ pattern: '^[a-z0-9][a-z0-9-]*$', maxLength: 100 })

const Url = Type.String({ pattern: '^https?://', maxLength: 2048 })

/** No line break: what is written into the head of a mail ends there. */
const MailAddress = Type.String({ pattern: '^[^\\s@<>,;]+@[^\\s@<>,;]+$', maxLength: 254 })

const Destination = Type.Object(
  {
    /** Messages that are signed as Standard Webhooks says. */
    webhook: Type.Optional(Type.Object({ url: Url, secret: Secret }, strict)),
    /** The whole address of an incoming webhook is secret. */
    slack: Type.Optional(Type.Object({ url: Secret }, strict)),
    pagerduty: Type.Optional(
      Type.Object(
        {
          key: Secret,
          url: Type.Optional(Url),
        },
        strict,
      ),
    ),
    alertmanager: Type.Optional(Type.Object({ url: Url, token: Type.Optional(Secret) }, strict)),
    email: Type.Optional(
      Type.Object(
        {
          to: Type.Array(MailAddress, { minItems: 1, maxItems: 50 }),
          from: MailAddress,
          /** `smtp.example.org:587`. */
          server: Type.String({ pattern: '^[^\\s:/@]+(:[0-9]{1,5})?$', maxLength: 260 }),
          /** `starttls` refuses servers that do not offer it; `none` is for one on this machine. */
          tls: Type.Optional(
            Type.Union([Type.Literal('starttls'), Type.Literal('implicit'), Type.Literal('none')]),
          ),
          user: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
          password: Type.Optional(Secret),
        },
        strict,
      ),
    ),
  },
  exactlyOne,
)

const Pattern = Type.String({ minLength: 1, maxLength: 300 })
const Patterns = Type.Union([Pattern, Type.Array(Pattern, { minItems: 1, maxItems: 100 })])

/** What alerts are told apart by. */
const LabelName = Type.Union([
  Type.Literal('project'),
  Type.Literal('endpoint'),
  Type.Literal('kind'),
  Type.Literal('subject'),
  Type.Literal('severity'),
])

const Route = Type.Object(
  {
    match: Type.Optional(Type.Partial(Type.Record(LabelName, Patterns), strict)),
    to: Type.Array(Name, { minItems: 1, maxItems: 20 }),
    /** Alerts that agree in these are told in one message. */
    group_by: Type.Optional(Type.Array(LabelName, { maxItems: 5, uniqueItems: true })),
    /** So long a first message waits for others of its kind. */
    wait: Type.Optional(Duration),
    /** News of a group that was told already comes at most this often. */
    interval: Type.Optional(Duration),
    /** How often it is told again while nobody has acknowledged it. */
    repeat: Type.Optional(Duration),
    escalate: Type.Optional(
      Type.Array(
        Type.Object(
          { after: Duration, to: Type.Array(Name, { minItems: 1, maxItems: 20 }) },
          strict,
        ),
        { minItems: 1, maxItems: 10 },
      ),
    ),
    /** Whether the routes after this one are looked at too. */
    continue: Type.Optional(Type.Boolean()),
  },
  strict,
)

/** Who hears of what. */
export const AlertsSchema = Type.Object(
  {
    /** The address of this server as people reach it, for links in messages. */
    link: Type.Optional(Url),
    destinations: Type.Record(Name, Destination),
    /** The first that matches is taken; without any, everybody hears of everything. */
    routes: Type.Optional(Type.Array(Route, { maxItems: 100 })),
  },
  strict,
)

export type AlertsConfig = Static<typeof AlertsSchema>
export type AlertDestination = Static<typeof Destination>
export type AlertRoute = Static<typeof Route>
export type AlertLabel = Static<typeof LabelName>

/** Names of destinations that are asked for and not there. */
export function alertProblems({ alerts }: { alerts?: AlertsConfig | undefined }): string[] {
  if (alerts === undefined) return []
  const known = Object.keys(alerts.destinations)
  return (alerts.routes ?? []).flatMap(({ to, escalate = [] }, at) =>
    [...to, ...escalate.flatMap((step) => step.to)]
      .filter((name) => !known.includes(name))
      .map(
        (name) =>
          `alerts.routes[${at}]: there is no destination ${name}; alerts.destinations has ${known.join(', ') || 'none'}`,
      ),
  )
}
