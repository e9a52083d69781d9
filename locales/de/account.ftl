# Die eigene Seite, die Anmeldung an ihr, und das Ändern eines Passworts, das man kennt.

## Ihr Konto

account-title = Ihr Konto
account-intro = Angemeldet als { $name }.
account-sessions = Wo Sie angemeldet sind
account-session-since = Angemeldet seit { $when }
account-session-here = Dieser Browser
account-session-end = Dort abmelden
account-from = von { $from }
account-sign-out = Abmelden
device = { $browser } auf { $system }
device-unknown = Ein Gerät, das wir nicht kennen

## Probleme

problem-signed-out-title = Bitte melden Sie sich noch einmal an
problem-signed-out-text = Sie sind nicht mehr angemeldet: Sie haben sich abgemeldet, oder es ist eine Stunde vergangen, oder es waren 15 Minuten ohne einen Klick. Es wurde nichts geändert. Bitte melden Sie sich noch einmal an.
