import { apiClient, serverUrl } from '../client.ts'
import { print } from '../table.ts'
import { decisionLine } from './index.ts'
import { policyPath, type ShownDecision } from './wire.ts'

export interface TriggerFlags {
  readonly url?: string | undefined
  readonly home?: string | undefined
  readonly json?: boolean
  readonly name: string
  readonly 'set-param'?: string[] | undefined
  readonly reason?: string | undefined
  readonly rev?: string | undefined
  readonly key?: string | undefined
}

/** Sets a policy off and says what it decided. */
export async function triggerPolicy(flags: TriggerFlags): Promise<void> {
  const api = apiClient(await serverUrl(flags))
  const path = await policyPath(api, flags.name)
  const { reason, rev, key } = flags
  const given = Object.entries({ reason, rev, key }).filter(([, value]) => value !== undefined)
  const decision = await api.post<ShownDecision>(`${path}/trigger`, {
    ...Object.fromEntries(given),
    set: flags['set-param'] ?? [],
  })
  print(flags.json, { value: decision, lines: [decisionLine(decision)] })
}
