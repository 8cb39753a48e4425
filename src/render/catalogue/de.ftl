# Was die Seiten selbst sagen. Widgets sagen, was ihre Autoren geschrieben haben.

# Jede Seite
direction = ltr
skip = Zum Inhalt springen
search-hubs = Alle Hubs durchsuchen
search-hub = { $hub } durchsuchen
all-hubs = Alle Hubs
log-in = Anmelden
log-out = Abmelden
your-account = Dein Konto, { $name }
your-hubs = Deine Hubs
me = ich
retry = Jetzt versuchen
colours = Farben
theme-system = Wie das System
theme-light = Hell
theme-dark = Dunkel
theme-contrast = Hoher Kontrast
language = Sprache
widgets = Widgets
foot = Hubs { $version }, freie Software unter der AGPL. Das Menü jedes Kastens führt zu seinem Quelltext.

# Ein Hub
deed-subscribe = Abonnieren
deed-unsubscribe = Nicht mehr abonnieren
deed-star = Merken
deed-unstar = Nicht mehr merken
deed-join = Beitreten
deed-leave = Austreten
archived = Archiviert
edit = Bearbeiten
people = Leute
and-more = und { $n } weitere
closed = Was auf diesem Hub steht, ist für seine Mitglieder.
closed-hint = Wer dazugehört, sieht es hier nach dem Anmelden.
nothing-on-hub = Auf diesem Hub ist noch nichts.
nothing-has = Auf diesem Hub gibt es nichts mit
search-all-for-it = In allen Hubs danach suchen
widget-of = { $title } von { $hub }

# Alle Hubs
hubs-with = Hubs mit „{ $query }“
no-hubs-with = Es gibt keine, auch keine solchen Leute oder Widgets. Gesucht wird in Namen und Beschreibungen.
here-are-all = Hier sind alle Hubs
going-on = Was gerade geschieht
going-on-hint = Eine Seite für jedes Team und jeden Menschen, die sich erneuert, während man sie ansieht.
teams = Teams
people-count =
    { $n ->
        [one] 1 Person
       *[other] { $n } Leute
    }
active = aktiv
no-hubs = Es gibt noch keinen Hub. Beschreiben lässt sich einer in hubs.toml, als

# Anmelden
by-name = Mit Namen
username = Benutzername
dev-login = Nach einem Passwort wird nicht gefragt: Dieser Server läuft für den, der an seiner Maschine sitzt, und glaubt dir. Bevor andere kommen dürfen, gehört in hubs.toml:
known-people = Als jemand, den man hier kennt
were-logged-out = Du bist nicht angemeldet
were-logged-out-hint = Nichts wurde geändert. Vielleicht hast du dich in einem anderen Fenster abgemeldet, oder du warst zu lange nicht hier.
log-in-at = Anmelden bei { $host }
logged-out = Abgemeldet
are-logged-out = Du bist abgemeldet
are-logged-out-hint = Von Hubs jedenfalls. { $host }, wo du dich angemeldet hast, kennt dich noch: Wer diesen Browser benutzt, könnte sich ohne Passwort wieder anmelden.
log-out-too = Auch bei { $host } abmelden
stay = Dort angemeldet bleiben

# Was nicht da ist
foreign = Das kam von der Seite einer anderen Website, darum wurde nichts geändert. Tu es hier, auf der Seite selbst.
stale-form = Nichts wurde geändert: Die Seite, von der das kam, ist aus der Zeit vor deinem An- oder Abmelden. Lade sie neu und sende es noch einmal.
log-in-first = Melde dich erst an: Hier geht es darum, wer du bist.
log-in-to-edit = Melde dich an, um den Hub „{ $name }“ zu bearbeiten.
not-owner = Den Hub „{ $name }“ bearbeiten seine Besitzer. Bitte einen von ihnen, dich dazu zu machen oder es für dich zu ändern.
closed-hub = „{ $name }“ tritt niemand von selbst bei: Mitglieder sehen, was andere nicht sehen. Bitte die Besitzer, dich aufzunehmen.
last-owner = Du bist der einzige Besitzer von „{ $name }“ und kannst darum nicht austreten: Mach erst jemand anderen zum Besitzer.
mirrored = Wer zu „{ $name }“ gehört, wird in FAS entschieden: Es ist wie die Gruppe „{ $group }“ dort. Tritt dort bei oder aus.
no-login = Diese Anmeldung begann nicht in diesem Browser, wurde schon benutzt oder dauerte länger als eine Viertelstunde und gilt darum nicht. Wenn du nicht angemeldet bist, beginne von vorn.
try-later = Das waren zu viele Versuche auf einmal. Komm in { $n } s wieder.
not-here = Nicht hier
not-open = Nicht zugänglich
who-are-you = Wer bist du?
not-logged-in = Nicht angemeldet
not-done = Nicht getan
not-now = Gerade nicht
too-much = Zu viel
too-often = Zu oft
something-failed = Etwas ist fehlgeschlagen
no-such-hub = Einen Hub „{ $name }“ gibt es nicht, oder er ist nicht für dich.
no-such-widget = Auf dem Hub „{ $hub }“ gibt es kein Widget { $id }; vielleicht wurde es entfernt.
no-such-page = Eine Seite „{ $path }“ gibt es nicht.
no-answer = Der Server konnte nicht antworten. Woran es lag, steht in seinem Protokoll.

# Ein Kasten
more-about = Mehr zu
open-alone = Allein öffnen
data = Daten
why = Warum
source = Quelltext
as-of = Stand:
after = nach
out-of-date = veraltet:
tried-again = veraltet, wird von selbst neu versucht
refreshing = wird erneuert
failed = fehlgeschlagen
nothing-yet = Noch nichts zu sehen.
could-not-be-made = Es ließ sich nicht ermitteln und wird von selbst neu versucht.
what-went-wrong = Was schiefging
show = Zeigen:

# Zeiten
ago-now = gerade eben
ago-soon = gleich
ago-past = vor { $amount }
ago-future = in { $amount }
ago-minutes = { $n } Min.
ago-hours = { $n } Std.
ago-day = 1 Tag
ago-days = { $n } Tagen
ago-date = { $day }. { $month }
ago-date-year = { $day }. { $month } { $year }
ago-months = Jan. Feb. März Apr. Mai Juni Juli Aug. Sept. Okt. Nov. Dez.

# Was Skripte sagen
live-on = live
live-off = verbindet
stopped = Seit { $time } kommt nichts Neues an. Zu sehen ist der Stand von da.
caught-up-none = Wieder auf dem Laufenden, nichts hatte sich geändert
caught-up-one = Wieder auf dem Laufenden, 1 Änderung
caught-up = Wieder auf dem Laufenden, { $n } Änderungen
changed = Neues bei { $titles }
changed-others = Neues bei { $titles } und anderen
new-since = neu seit { $time }
not-fetched = Es ließ sich nicht laden.
open-it-alone = Allein öffnen
boxes = { $n } von { $all } Kästen
pause = Anhalten
go-on = Weiter
