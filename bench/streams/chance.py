"""What as many trainings gain at other times: by chance, evenly, and at best."""

import random

DRAWS = 2000


def mean_auc(areas, first, times):
    """`areas[t][p]`: of the model that was trained after the period t, in period p."""
    model, sum_of, count = first - 1, 0.0, 0
    for period in range(first, len(areas)):
        sum_of += areas[model][period]
        count += 1
        if period in times:
            model = period
    return sum_of / count


def by_chance(areas, stream, trainings, seed=7):
    """Times drawn evenly from all that the cooldown lets be; the last period is no time, for nothing is asked after it."""
    least, gap = stream.first - 1 + stream.cooldown, stream.cooldown
    room = len(areas) - 1 - least - (trainings - 1) * (gap - 1)
    drawn = random.Random(seed)

    def one():
        slots = sorted(drawn.sample(range(room), trainings))
        return {least + slot + index * (gap - 1) for index, slot in enumerate(slots)}

    return sorted(mean_auc(areas, stream.first, one()) for _ in range(DRAWS)) if trainings else [mean_auc(areas, stream.first, set())]


def evenly(areas, stream, trainings):
    span = len(areas) - stream.first
    times = {stream.first - 1 + round(span * (index + 1) / (trainings + 1)) for index in range(trainings)}
    return mean_auc(areas, stream.first, times)


def at_best(areas, stream, trainings):
    """By somebody who knows the future."""
    last = len(areas) - 1
    sums = [[0.0] for _ in areas]
    for model, row in enumerate(areas):
        for value in row:
            sums[model].append(sums[model][-1] + (value or 0.0))
    between = lambda model, until: sums[model][until + 1] - sums[model][model + 1]
    reached = {stream.first - 1: 0.0}
    for _ in range(trainings):
        grown = {}
        for model, value in reached.items():
            for period in range(model + stream.cooldown, last):
                grown[period] = max(grown.get(period, -1.0), value + between(model, period))
        reached = grown
    return max(value + between(model, last) for model, value in reached.items()) / (len(areas) - stream.first)
