import { Type, type Static } from 'typebox'
import { durationPattern, strict } from './config-words.ts'

/**
 * What an endpoint's `monitor:` says, one schema for each section. Endpoints are kept with the sections that they
 * were declared with, so a section that is added later is optional, and its part knows what holds without it.
 */
const Share = Type.Number({ minimum: 0, maximum: 1 })

/** A condition must hold in `windows` of the last `of` windows. */
const PersistenceSection = Type.Object(
  {
    windows: Type.Integer({ default: 3, minimum: 1 }),
    of: Type.Integer({ default: 5, minimum: 1 }),
  },
  { ...strict, default: { windows: 3, of: 5 } },
)

const WindowSection = Type.Object(
  {
    size: Type.String({ pattern: durationPattern, default: '1d' }),
    by: Type.Optional(Type.String()),
  },
  { ...strict, default: { size: '1d' } },
)

const DriftSection = Type.Object(
  {
    alert_share: Type.Number({ minimum: 0, maximum: 1, default: 0.3 }),
    persistence: PersistenceSection,
  },
  { ...strict, default: { alert_share: 0.3, persistence: { windows: 3, of: 5 } } },
)

const PerformanceSection = Type.Object(
  { metric: Type.Literal('roc_auc'), min: Share, persistence: PersistenceSection },
  strict,
)

export const MonitorSchema = Type.Object(
  {
    window: WindowSection,
    key: Type.Optional(Type.String()),
    label: Type.Optional(Type.String()),
    settle: Type.String({ pattern: durationPattern, default: '1d' }),
    min_samples: Type.Integer({ default: 100, minimum: 1 }),
    drift: DriftSection,
    performance: Type.Optional(PerformanceSection),
  },
  strict,
)

export type MonitorConfig = Static<typeof MonitorSchema>
