/** How the cells of every table look. */
export const HEAD = 'px-3 py-2 text-left text-xs font-medium whitespace-nowrap text-ink-3'
export const CELL = 'border-t border-line px-3 py-2 align-top'
export const NUMBER = `${CELL} text-right whitespace-nowrap tabular-nums`
