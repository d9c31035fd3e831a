import type { Field, Message } from './text-format.ts'

/** Looking into messages and making them. */
export function nested(of: Message, name: string): Message | undefined {
  const found = of.find((field) => field.name === name)?.value
  return found?.kind === 'message' ? found.fields : undefined
}

export function textOf(of: Message, name: string): string | undefined {
  const found = of.find((field) => field.name === name)?.value
  return found?.kind === 'text' ? found.text : undefined
}

export function wordOf(of: Message, name: string): string | undefined {
  const found = of.find((field) => field.name === name)?.value
  return found?.kind === 'word' ? found.word : undefined
}

export function numberOf(of: Message, name: string): number | undefined {
  const written = wordOf(of, name)?.replace(/f$/i, '')
  const number = written === undefined ? Number.NaN : Number(written)
  return Number.isFinite(number) ? number : undefined
}

export function textsOf(of: Message, name: string): string[] {
  return of.flatMap((field) =>
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
