const WIDTH = 100
const HEIGHT = 24

/** The way of some values between their lowest and their highest; the numbers themselves stand beside it. */
export function Trend({ values }: { values: readonly (number | null)[] }) {
  const numbers = values.filter((value) => value !== null)
  const lowest = Math.min(...numbers)
  const span = Math.max(...numbers) - lowest || 1
  const points = values.flatMap((value, at) => {
    if (value === null) return []
    const x = (at / Math.max(1, values.length - 1)) * WIDTH
    const y = HEIGHT - 2 - ((value - lowest) / span) * (HEIGHT - 4)
    return [`${x.toFixed(1)} ${y.toFixed(1)}`]
  })
  return (
    <svg
      aria-hidden
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      className="h-6 w-full text-chart-auc"
    >
      <path
        d={points.length === 0 ? '' : `M${points.join('L')}`}
        fill="none"
        stroke="currentColor"
        strokeWidth={1.5}
        vectorEffect="non-scaling-stroke"
      />
    </svg>
  )
}
