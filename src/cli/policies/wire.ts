import { Problem } from '#base/problem'
import type { ApiClient } from '../client.ts'

/** What the API says of policies. */
export interface ShownRun {
  id: string
  project: string
  policy: string
  endpoint: string | null
  causeType: string
  event: string
  state: string
  reason: string | null
  why: string
  modelVersion: string | null
}

export interface ShownPolicy {
  project: string
  name: string
  enabled: boolean
  run: string
  then: string | null
  cooldown: string | null
  set: string[]
  triggers: ({ kind: string } & Record<string, unknown>)[]
  concurrency: { group: string; limit: number; whenBusy: string }
  budget: { runs: number; per: string; used: number } | null
  next: string | null
  last: ShownRun | null
  open: ShownRun[]
}

export interface ShownDecision {
  position: number
  at: string
  type: string
  project: string
  policy: string
  policyRun: string | null
  why: string
}

/** The path of a policy: `PROJECT/POLICY`, or `POLICY` where only one project has one of that name. */
export async function policyPath(api: ApiClient, name: string | undefined): Promise<string> {
  if (name === undefined)
    throw new Problem(
      'invalid',
      'name the policy as PROJECT/POLICY; "orrery policies list" lists them',
    )
  const [project = '', policy] = name.split('/', 2)
  if (policy !== undefined)
    return `/policies/${encodeURIComponent(project)}/${encodeURIComponent(policy)}`
  const found: string[] = []
  let after: string | undefined
  do {
    const page = await api.get<{ policies: ShownPolicy[]; next: string | null }>('/policies', {
      limit: 200,
      after,
    })
    for (const each of page.policies) if (each.name === name) found.push(each.project)
    after = page.next ?? undefined
  } while (after !== undefined)
  if (found.length === 1)
    return `/policies/${encodeURIComponent(found[0] ?? '')}/${encodeURIComponent(name)}`
  throw new Problem(
    'not-found',
    found.length === 0
      ? `no project has a policy ${name}; "orrery policies list" lists them`
      : `${found.join(', ')} have a policy ${name}; name it as PROJECT/${name}`,
  )
}
