# What the pages themselves say. Widgets say what their authors wrote.

# Every page
direction = ltr
skip = Skip to the content
search-hubs = Search all hubs
search-hub = Search { $hub }
all-hubs = All hubs
log-in = Log in
log-out = Log out
your-account = Your account, { $name }
your-hubs = Your hubs
me = me
retry = Retry now
colours = Colours
theme-system = As the system
theme-light = Light
theme-dark = Dark
theme-contrast = High contrast
language = Language
widgets = Widgets
foot = Hubs { $version }, free software under the AGPL. The menu of every box leads to its source.

# A hub
deed-subscribe = Subscribe
deed-unsubscribe = Unsubscribe
deed-star = Star
deed-unstar = Unstar
deed-join = Join
deed-leave = Leave
archived = Archived
edit = Edit
people = People
and-more = and { $n } more
closed = What is on this hub is for its members.
closed-hint = Whoever is one sees it here when logged in.
nothing-on-hub = Nothing is on this hub yet.
nothing-has = Nothing on this hub has
search-all-for-it = Search all hubs for it
widget-of = { $title } of { $hub }

# All hubs
hubs-with = Hubs with “{ $query }”
no-hubs-with = There are none, and no such people or widgets. Names and summaries are searched.
here-are-all = Here are all hubs
going-on = What is going on
going-on-hint = One page for each team and each person, kept up to date while you look at it.
teams = Teams
people-count =
    { $n ->
        [one] 1 person
       *[other] { $n } people
    }
active = active
no-hubs = There is no hub yet. Describe one in hubs.toml, as

# Logging in
by-name = By name
username = Username
dev-login = No password is asked for: this server runs for whoever sits at its machine, and takes your word. Before others may come, set in hubs.toml:
known-people = As somebody who is known here
were-logged-out = You are not logged in
were-logged-out-hint = Nothing was changed. You may have logged out in another window, or it has been too long since you were here.
log-in-at = Log in at { $host }
logged-out = Logged out
are-logged-out = You are logged out
are-logged-out-hint = Of hubs, that is. { $host }, where you logged in, still knows you: whoever uses this browser could log in again without a password.
log-out-too = Log out at { $host } too
stay = Stay logged in there

# What is not there
foreign = This was sent by a page of another site, so nothing was changed. Do it here, on the page itself.
stale-form = Nothing was changed: the page that this was sent from is from before you logged in or out. Load it again, and send it once more.
log-in-first = Log in first: this is about who you are.
log-in-to-edit = Log in to edit the hub “{ $name }”.
not-owner = The hub “{ $name }” is edited by its owners. Ask one of them to make you one, or to change it for you.
closed-hub = Nobody joins “{ $name }” by themselves: its members see what others don’t. Ask its owners to let you in.
last-owner = You are the only owner of “{ $name }”, so you can’t leave it: make somebody else an owner first.
mirrored = Who is in “{ $name }” is decided in FAS: it is like the group “{ $group }” there. Join or leave that one.
no-login = This login did not begin in this browser, was used before, or took longer than a quarter of an hour, so it does not count. If you are not logged in, begin again.
try-later = That were too many tries at once. Come back in { $n } s.
not-here = Not here
not-open = Not open to you
who-are-you = Who are you?
not-logged-in = Not logged in
not-done = Not done
not-now = Not now
too-much = Too much
too-often = Too often
something-failed = Something failed
no-such-hub = There is no hub “{ $name }”, or it is not for you.
no-such-widget = There is no widget { $id } on the hub “{ $hub }”; it may have been removed.
no-such-page = There is no page “{ $path }”.
no-answer = The server could not answer. What it was is in its log.

# A card
more-about = More about
open-alone = Open alone
data = Data
why = Why
source = Source
as-of = as of
after = after
out-of-date = out of date:
tried-again = out of date, tried again by itself
refreshing = refreshing
failed = failed
nothing-yet = Nothing to show yet.
could-not-be-made = It could not be made, and is tried again by itself.
what-went-wrong = What went wrong
show = Show

# Ages
ago-now = just now
ago-soon = in a moment
ago-past = { $amount } ago
ago-future = in { $amount }
ago-minutes = { $n } min
ago-hours = { $n } h
ago-day = 1 day
ago-days = { $n } days
ago-date = { $day } { $month }
ago-date-year = { $day } { $month } { $year }
ago-months = Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec

# What scripts say: static/hubs.js has the same, for pages in this language
live-on = live
live-off = connecting
stopped = Live updates stopped at { $time }. What you see is from then.
caught-up-none = Caught up, nothing had changed
caught-up-one = Caught up, 1 change
caught-up = Caught up, { $n } changes
changed = { $titles } changed
changed-others = { $titles } and others changed
new-since = new since { $time }
not-fetched = It could not be fetched.
open-it-alone = Open it alone
boxes = { $n } of { $all } boxes
pause = Pause
go-on = Go on
