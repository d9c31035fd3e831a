/** Options of `stage add` that have no value. */
const FLAGS: ReadonlySet<string> = new Set(
  'always-changed force run json help quiet verbose version'.split(' '),
)
const FLAG_LETTERS = 'fhqv'

/**
 * The words of `stage add` with the command that the stage runs behind dashes: from its first word on all is the
 * command's, as in dvc, whatever it looks like. Other words come back as they are.
 */
export function withCommandApart(words: readonly string[]): readonly string[] {
  if (words[0] !== 'stage' || words[1] !== 'add') return words
  let at = 2
  for (let word = words[at]; word?.startsWith('-') === true; word = words[at]) {
    if (word === '--') return words
    at += takesNext(word) ? 2 : 1
  }
  return at >= words.length ? words : [...words.slice(0, at), '--', ...words.slice(at)]
}

/** Whether the value of an option is the word that follows it. */
function takesNext(option: string): boolean {
  if (option.startsWith('--')) return !option.includes('=') && !FLAGS.has(option.slice(2))
  const letters = option.slice(1).split('')
  return letters.findIndex((letter) => !FLAG_LETTERS.includes(letter)) === letters.length - 1
}
