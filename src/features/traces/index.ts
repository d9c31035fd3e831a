export {
  createTraces,
  type TraceEnd,
  type TracePage,
  type Traces,
  type WholeTrace,
} from './traces.ts'
export {
  COST_KEY,
  METADATA_KEY_CHARS_MAX,
  NAME_TAG,
  SESSION_KEY,
  SOURCE_RUN_KEY,
  SPANS_ARE_HERE,
  SPANS_LOCATION_TAG,
  TAG_KEY_CHARS_MAX,
  TOKENS_KEY,
  TRACE_STATES,
  valueOf,
  type TraceInfo,
  type TraceRecord,
  type TraceState,
} from './trace.ts'
export { SPANS_FILE } from './artifact.ts'
export {
  numberOf,
  SOURCE_TYPES,
  type Assessment,
  type AssessmentChange,
  type AssessmentError,
  type NewAssessment,
} from './assessment.ts'
export type { NewTrace } from './merge.ts'
export {
  COST_ATTRIBUTE,
  MODEL_ATTRIBUTE,
  PROVIDER_ATTRIBUTE,
  textIn,
  TOKENS_ATTRIBUTE,
  type KeptSpan,
  type Span,
  type SpanLink,
  type SpanStatus,
} from './span.ts'
export type { Attribute, SpanEvent } from './attribute.ts'
export { costIn, tokensIn, type Cost, type Tokens, type UsageNode } from './usage.ts'
export { parseTraceFilter, parseTraceOrder, patternOf } from './filter/index.ts'
export {
  traceTerm,
  type TraceAttribute,
  type TraceCondition,
  type TraceField,
} from './filter/terms.ts'
export {
  AGGREGATIONS,
  VIEWS,
  type Aggregation,
  type DataPoint,
  type MeasuredRow,
  type MeasureFilter,
  type Measurement,
  type Question,
} from './measure.ts'
export type { TraceChoice, TraceOrder, TraceReads, TraceSearch, TraceWrites } from './store.ts'
