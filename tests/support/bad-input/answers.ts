import type { Protocol } from './route.ts'
import type { Answer } from './wire.ts'

/** What is wrong with the answer to a bad request; nothing if it is as the protocol's callers expect. */
export function faultsOf(
  answer: Answer,
  {
    protocol,
    refused,
    names,
    status,
  }: {
    protocol: Protocol
    /** Whether it must be refused; others may be taken. */
    refused: boolean
    /** One of these must be in the message. */
    names?: readonly string[] | undefined
    status?: number | undefined
  },
): string[] {
  const faults: string[] = []
  if (answer.headers['x-request-id'] === undefined) faults.push('it has no x-request-id')
  if (answer.status >= 500 && answer.status !== 501)
    return [...faults, `it is a failure of the server: ${answer.text.slice(0, 300)}`]
  if (answer.status < 400)
    return refused ? [...faults, `it was taken: ${answer.text.slice(0, 200)}`] : faults
  if (status !== undefined && answer.status !== status) faults.push(`its status is not ${status}`)
  const message = messageIn(answer, protocol)
  if (message === undefined || message.trim() === '')
    return [...faults, `it has not the form of the protocol: ${answer.text.slice(0, 200)}`]
  const told = (name: string) => message.toLowerCase().includes(name.toLowerCase())
  if (names !== undefined && !names.some(told))
    faults.push(`it does not name ${names.join(' or ')}: ${message.slice(0, 300)}`)
  if (/\bat .*\.[jt]s:\d+/.test(message)) faults.push('it shows a stack')
  if (message.length > 10_000) faults.push(`its message has ${message.length} characters`)
  return faults
}

function messageIn(answer: Answer, protocol: Protocol): string | undefined {
  const type = String(answer.headers['content-type'])
  // MLflow's scoring server tells this one as text.
  if (protocol === 'scoring' && answer.status === 415) return answer.text
  const body = jsonIn(answer.text)
  if (protocol === 'api') {
    const { detail, status, code, request } = body
    const whole =
      type.startsWith('application/problem+json') &&
      status === answer.status &&
      typeof code === 'string' &&
      request === answer.headers['x-request-id']
    return whole ? textOf(detail) : undefined
  }
  if (protocol === 'inference') return textOf(body['error'])
  return /^[A-Z_]+$/.test(textOf(body['error_code']) ?? '') ? textOf(body['message']) : undefined
}

function jsonIn(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
