import type { Logger } from '#base/logger'
import { messageOf } from '#base/problem'
import { tracesJson, type SentSpan } from '#protocols/otlp/sent'
import { environment } from '../settings/environment.ts'
import { VERSION } from '../version.ts'

const FLUSH_MS = 1000
const BATCH_MAX = 512
/** Spans that wait while a collector is slow or away; further ones are let go. */
const WAITING_MAX = 8192
const SEND_MS_MAX = 10_000

/** Sends spans to a collector behind everybody's back. */
export function spanExporter({ endpoint, logger }: { endpoint: string; logger: Logger }) {
  const url = /\/v1\/traces\/?$/.test(endpoint)
    ? endpoint
    : `${endpoint.replace(/\/+$/, '')}/v1/traces`
  const headers = { 'content-type': 'application/json', ...headersIn(environment) }
  let waiting: SentSpan[] = []
  let sending: Promise<void> | undefined
  let isDown = false

  const send = async () => {
    while (waiting.length > 0) {
      const batch = waiting.slice(0, BATCH_MAX)
      waiting = waiting.slice(BATCH_MAX)
      try {
        const answer = await fetch(url, {
          method: 'POST',
          headers,
          body: tracesJson('orrery', VERSION, batch),
          signal: AbortSignal.timeout(SEND_MS_MAX),
        })
        await answer.text()
        if (!answer.ok) throw new Error(`it answered ${answer.status}`)
        isDown = false
      } catch (error) {
        // Said once: predictions go on, and so would the lines.
        if (!isDown)
          logger.warn({ url, error: messageOf(error) }, 'traces do not reach their collector')
        isDown = true
      }
    }
  }
  const flush = async (): Promise<void> => {
    sending ??= send().finally(() => {
      sending = undefined
    })
    await sending
  }
  const timer = setInterval(() => void flush(), FLUSH_MS).unref()
  return {
    add: (span: SentSpan): void => {
      if (waiting.length < WAITING_MAX) waiting.push(span)
    },
    stop: async (): Promise<void> => {
      clearInterval(timer)
      await flush()
    },
  }
}

/** `name=value,name=value`, as all exporters of OpenTelemetry read it; these may be secrets, and are in no setting. */
function headersIn(variables: Readonly<Record<string, string | undefined>>) {
  const text =
    variables['OTEL_EXPORTER_OTLP_TRACES_HEADERS'] ?? variables['OTEL_EXPORTER_OTLP_HEADERS'] ?? ''
  const pairs = text.split(',').flatMap((pair): [string, string][] => {
    const [name = '', ...rest] = pair.split('=')
    return name.trim() === '' ? [] : [[name.trim(), decodeURIComponent(rest.join('=').trim())]]
  })
  return Object.fromEntries(pairs)
}
