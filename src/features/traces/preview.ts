import { parsePythonJson, type Value } from '#base/python-json'
import { isObject } from './conventions.ts'

/** What lists show of a request and its answer is no longer than this. */
const PREVIEW_CHARS_MAX = 1000

type Message = { readonly [key: string]: Value }

/** A short text for lists: of a chat the last message of the role, else the JSON itself. */
export function previewOf(json: string | undefined, role: 'user' | 'assistant'): string | null {
  if (json === undefined) return null
  const messages = json.startsWith('{') ? messagesIn(parsePythonJson(json)) : []
  const said = messages.length === 0 ? '' : textOf(lastOf(messages, role))
  const text = said === '' ? json : said
  const chars = Array.from(text.slice(0, 2 * PREVIEW_CHARS_MAX + 2))
  return chars.length <= PREVIEW_CHARS_MAX
    ? text
    : `${chars.slice(0, PREVIEW_CHARS_MAX - 3).join('')}...`
}

/** The messages of the shapes in which chat models are asked and answer. */
function messagesIn(value: Value | undefined, depth = 0): readonly Message[] {
  if (!isObject(value) || depth > 8) return []
  const { messages, choices, input, output, request } = value
  if (Array.isArray(messages) && messages.length > 0) return messages.filter(isMessage)
  if (Array.isArray(choices)) {
    const [first] = choices as readonly Value[]
    const message = isObject(first) ? first['message'] : undefined
    if (isMessage(message)) return [message]
  }
  if (Array.isArray(input) && input.length > 0) return input.filter(isMessage)
  if (Array.isArray(output) && output.length > 0) return output.filter(isMessage)
  return messagesIn(request, depth + 1)
}

function isMessage(value: Value | undefined): value is Message {
  return isObject(value) && 'role' in value && 'content' in value
}

function lastOf(messages: readonly Message[], role: string): Message | undefined {
  return messages.findLast((message) => message['role'] === role) ?? messages.at(-1)
}

function textOf(message: Message | undefined): string {
  const content = message?.['content']
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return ''
  for (const part of content as readonly Value[]) {
    if (typeof part === 'string') return part
    if (!isObject(part) || (part['type'] !== 'text' && part['type'] !== 'output_text')) continue
    return typeof part['text'] === 'string' ? part['text'] : ''
  }
  return ''
}
