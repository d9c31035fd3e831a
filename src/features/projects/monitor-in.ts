import { Value } from 'typebox/value'
import { Problem } from '#base/problem'
import { MonitorSchema, type MonitorConfig } from './monitor-config.ts'

/** What an endpoint's `monitor` says, with the defaults filled in. Throws `invalid`, with what is wrong. */
export function monitorIn(raw: object): MonitorConfig {
  const value: unknown = Value.Default(MonitorSchema, structuredClone(raw))
  if (Value.Check(MonitorSchema, value)) return value
  const wrong = [...Value.Errors(MonitorSchema, value)].map(
    ({ instancePath, message }) => `monitor${instancePath.replaceAll('/', '.')}: ${message}`,
  )
  throw new Problem('invalid', `${wrong.join('; ')}; write it as in orrery.yaml`)
}
