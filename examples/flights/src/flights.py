"""The columns of a flight: what the model may look at, and what it is asked for.

Month and day are left out on purpose: a model that has seen two months knows nothing about the
other ten, and would only learn which snowstorm happened on which date.
"""

CATEGORIES = ["carrier", "origin", "dest"]
SCHEDULE = ["weekday", "distance", "sched_dep_time", "sched_arr_time"]
WEATHER = ["temp", "dewp", "humid", "wind_dir", "wind_speed", "precip", "pressure", "visib"]

FEATURES = CATEGORIES + SCHEDULE + WEATHER
LABEL = "late"
KEY = "flight_id"
TIME = "time_hour"
