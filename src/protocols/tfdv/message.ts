import type { Field, Message } from './text-format.ts'

/** Looking into messages and making them. */
export function nested(message: Message, name: string): Message | undefined {
  const found = message.find((field) => field.name === name)?.value
  return found?.kind === 'message' ? found.fields : undefined
}

export function textOf(message: Message, name: string): string | undefined {
  const found = message.find((field) => field.name === name)?.value
  return found?.kind === 'text' ? found.text : undefined
}

export function wordOf(message: Message, name: string): string | undefined {
  const found = message.find((field) => field.name === name)?.value
  return found?.kind === 'word' ? found.word : undefined
}

export function numberOf(message: Message, name: string): number | undefined {
  const word = wordOf(message, name)?.replace(/f$/i, '')
  const number = word === undefined ? Number.NaN : Number(word)
  return Number.isFinite(number) ? number : undefined
}

export function textsOf(message: Message, name: string): string[] {
  return message.flatMap((field) =>
    field.name === name && field.value.kind === 'text' ? [field.value.text] : [],
  )
}

export function message(name: string, fields: Message): Field {
  return { name, line: 0, value: { kind: 'message', fields } }
}

export function text(name: string, value: string): Field {
  return { name, line: 0, value: { kind: 'text', text: value } }
}

export function word(name: string, value: string | number): Field {
  return { name, line: 0, value: { kind: 'word', word: String(value) } }
}
