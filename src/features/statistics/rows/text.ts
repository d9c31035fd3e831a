import type { Auc } from '../ranking.ts'
import type { Column } from './column.ts'
import { domainClassifier } from './domain-classifier.ts'

/** What a text looks like in numbers, each of which drifts as any other column does. */
export interface TextDescriptors {
  /** In code points. */
  readonly length: number
  readonly words: number
  readonly sentences: number
  /** Characters that are neither letters nor spaces, in percent. */
  readonly nonLetters: number
  readonly meanWordLength: number
}

export function textDescriptors(text: string): TextDescriptors {
  const characters = Array.from(text)
  const words = wordsIn(text)
  const letters = words.reduce((all, word) => all + word.length, 0)
  const others = characters.filter((each) => each !== ' ' && !/\p{L}/u.test(each)).length
  return {
    length: characters.length,
    words: words.length,
    sentences: Math.max(
      1,
      text.split(/[.!?]+(?:\s|$)/).filter((each) => each.trim() !== '').length,
    ),
    nonLetters: characters.length === 0 ? 0 : (100 * others) / characters.length,
    meanWordLength: words.length === 0 ? 0 : letters / words.length,
  }
}

/** Words are runs of letters and digits, in lower case. */
export function wordsIn(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []
}

/** The words that most texts have, the commonest first. */
export function vocabularyOf(texts: Iterable<string>, size: number): string[] {
  const counts = new Map<string, number>()
  for (const text of texts)
    for (const word of new Set(wordsIn(text))) counts.set(word, (counts.get(word) ?? 0) + 1)
  const ordered = [...counts].toSorted(
    ([one, many], [other, more]) => more - many || (one < other ? -1 : 1),
  )
  return ordered.slice(0, size).map(([word]) => word)
}

/** The share of a text's words that a vocabulary has not, in percent; 0 for a text without words. */
export function outsideVocabulary(text: string, vocabulary: ReadonlySet<string>): number {
  const words = wordsIn(text)
  if (words.length === 0) return 0
  return (100 * words.filter((word) => !vocabulary.has(word)).length) / words.length
}

/** So many of the commonest words are looked at. */
const WORDS_TOLD_APART = 150

/** How well a classifier tells texts of the reference from current ones by their commonest words and their looks. */
export function textDomainClassifier(
  reference: readonly string[],
  current: readonly string[],
): Auc | undefined {
  const vocabulary = vocabularyOf([...reference, ...current], WORDS_TOLD_APART)
  return domainClassifier(columnsOf(reference, vocabulary), columnsOf(current, vocabulary))
}

function columnsOf(texts: readonly string[], vocabulary: readonly string[]): Column[] {
  const looks = texts.map(textDescriptors)
  const columns = (['length', 'words', 'sentences', 'nonLetters', 'meanWordLength'] as const).map(
    (name): Column => ({ kind: 'numeric', values: Float64Array.from(looks, (look) => look[name]) }),
  )
  const counts = texts.map((text) => {
    const found = new Map<string, number>()
    for (const word of wordsIn(text)) found.set(word, (found.get(word) ?? 0) + 1)
    return found
  })
  return [
    ...columns,
    ...vocabulary.map((word): Column => ({
      kind: 'numeric',
      values: Float64Array.from(counts, (found) => found.get(word) ?? 0),
    })),
  ]
}
