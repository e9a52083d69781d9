# People in the console, and `sspr user explain`.

## Why can, or cannot, this person reset? Gates, causes, remedies and methods bear the names of src/domain/obstacles

explain-gate-self-service = Der Dienst ist eingeschaltet
explain-gate-account = Das Konto ist eines, das bedient wird
explain-gate-name = Der Name führt zu diesem Konto
explain-gate-policy = Eine Richtlinie lässt die Person zu
explain-gate-methods = Es sind genug Nachweise da
explain-gate-limits = Es geht ohne Warten weiter
explain-gate-freeze = Das Konto ist nicht gesperrt worden
explain-gate-writeback = Für das Verzeichnis ist das Zurückschreiben eingeschaltet
explain-gate-agent = Ein Agent ist da
explain-gate-directory = Das Verzeichnis nennt das Konto in Ordnung
explain-gate-rights = Der Agent darf das Passwort setzen
explain-gate-age = Das Passwort ist alt genug für ein neues

explain-why-self-service-off = Der Dienst ist für die ganze Organisation ausgeschaltet.
explain-do-self-service-off = Schalten Sie den Dienst für die Organisation ein.
explain-why-removed = Seit { $when } hat das Verzeichnis dieses Konto nicht mehr, oder kein Agent meldet es mehr.
explain-do-removed = Prüfen Sie, ob es gelöscht oder aus dem Teil des Verzeichnisses verschoben wurde, den der Agent liest.
explain-why-disabled = Das Konto ist im Verzeichnis deaktiviert.
explain-do-disabled = Aktivieren Sie es im Verzeichnis. Der Agent meldet das binnen Minuten.
explain-why-protected = Es ist ein geschütztes Konto, zum Beispiel der Verwaltung: Solche Konten werden nie bedient.
explain-do-protected = Sein Passwort wird im Verzeichnis selbst gesetzt. Ist es nicht mehr privilegiert, löschen Sie dort adminCount.
explain-why-name-shared = Mehrere Konten heißen so, und keines lässt sich von den anderen unterscheiden.
explain-do-name-shared = Geben Sie ihnen im Verzeichnis verschiedene Anmeldenamen oder Adressen, oder verknüpfen Sie die Verzeichnisse.
explain-why-follows = Es gehört zu einem Konto in einem anderen Verzeichnis: Wer diesen Namen eingibt, setzt jenes zurück, und dieses folgt.
explain-do-follows = Sehen Sie das Konto an, dem es folgt.
explain-why-no-policy = Keine Richtlinie gilt für die Person.
explain-do-no-policy = Legen Sie eine Richtlinie für eine ihrer Gruppen oder für alle an, oder nehmen Sie die Person in eine Gruppe auf, die eine hat.
explain-why-not-served = Die Richtlinie „{ $what }“ sagt, dass die Person nicht bedient wird.
explain-do-not-served = Soll sie es werden, nehmen Sie sie in eine Gruppe mit einer anderen Richtlinie auf, oder ändern Sie diese.
explain-why-group-unknown = Die Richtlinie „{ $what }“ oder eine davor nennt eine Gruppe dieses Verzeichnisses, die kein Agent meldet. Solange bedient sie dort niemanden.
explain-do-group-unknown = Nennen Sie die Gruppe in den Einstellungen des Agenten, oder nehmen Sie sie aus der Richtlinie.
explain-why-too-few = { $gates ->
    [one] Ein Nachweis ist nötig, und die Person hat keinen.
   *[other] Von { $gates } verlangten Nachweisen verschiedener Art hat die Person { $has }.
}
explain-do-too-few = Es fehlt eine weitere Methode: eine Adresse im Verzeichnis oder etwas, das die Person auf ihrer Kontoseite einrichtet. Unten sehen Sie, woran es bei jeder fehlt.
explain-why-cooling-off = Was da ist, ist zu neu oder wurde kürzlich geändert: Es weist vor { $when } nichts nach.
explain-do-cooling-off = Warten Sie bis dahin, oder nutzen Sie eine andere Methode der Person. Die Wartezeit schützt sie vor jemandem, der gerade etwas Eigenes eingetragen hat.
explain-why-waits = Zu viele Versuche oder Codes: { $what } – aufgebraucht bis { $when }.
explain-do-waits = Warten Sie bis dahin. Sind Sie sicher, dass es die Person selbst war, heben Sie die Grenze auf.
explain-some-wait = Manche Wege müssen warten, ein anderer ist offen. Welche, und bis wann, steht unten.
explain-why-frozen = Das Konto ist seit { $when } gesperrt, durch { $who }: { $what }.
explain-frozen-said = die Person sagt, das war nicht sie: { $about }
explain-do-frozen = Klären Sie, was geschehen ist. Ist alles in Ordnung, heben Sie die Sperre auf.
explain-why-writeback-off = Für das Verzeichnis ist das Zurückschreiben aus: Von hier darf nichts daran geändert werden.
explain-do-writeback-off = Schalten Sie das Zurückschreiben für die Anbindung ein.
explain-why-no-agent = Kein Agent bedient das Verzeichnis.
explain-do-no-agent = Melden Sie einen Agenten für die Anbindung an.
explain-why-unconfirmed = Ein Agent ist da, aber niemand hat ihn bestätigt.
explain-do-unconfirmed = Vergleichen Sie seinen Fingerabdruck und bestätigen Sie ihn.
explain-why-silent = Von den Agenten des Verzeichnisses hat man seit einer Weile nichts gehört.
explain-do-silent = Prüfen Sie, ob der Agent auf seinem Rechner läuft und diese Adresse über HTTPS erreicht.
explain-why-no-key = Die Agenten sind da, aber keiner hat einen Schlüssel, der jetzt gilt.
explain-do-no-key = Sehen Sie in das Protokoll des Agenten; oft geht seine Uhr falsch.
explain-why-unreachable = Die Agenten sind da, aber keiner erreicht das Verzeichnis.
explain-do-unreachable = Prüfen Sie, ob die Domänencontroller laufen und das Konto des Agenten sich dort anmelden kann.
explain-why-barred = Die Antwort des Verzeichnisses: { $what }.
explain-do-barred = Bringen Sie das Konto im Verzeichnis in Ordnung.
explain-why-no-right = Das Konto des Agenten hat kein Recht, dieses Passwort zu setzen.
explain-do-no-right = Geben Sie dem Konto des Agenten dort, wo dieses Konto liegt, das Recht zum Zurücksetzen: Die Einrichtung des Agenten druckt den Befehl.
explain-why-too-young = Das Verzeichnis erlaubt ein neues Passwort ab { $when }: Das Mindestalter ist noch nicht erreicht.
explain-do-too-young = Warten Sie bis dahin, oder setzen Sie das Passwort im Verzeichnis selbst.
explain-why-too-young-ever = Das Verzeichnis erlaubt noch kein neues Passwort: Das Mindestalter ist noch nicht erreicht.
explain-why-behind = Lässt sich nicht sagen, bevor behoben ist, was darüber steht.
explain-do-behind = Beginnen Sie oben.
explain-why-not-asked = Niemand hat das Verzeichnis kürzlich gefragt.
explain-do-not-asked = Es wird mitten in jedem Zurücksetzen gefragt. Um es jetzt zu wissen, fragen Sie.
explain-why-not-told = Dort ist nicht zu lesen, wer dieses Recht hat; ein Zurücksetzen zeigt es.
explain-do-not-told = Ob das Konto des Agenten seine Rechte hatte, als er zuletzt nachsah, steht auf der Seite des Agenten unter Konnektoren.

explain-barred-account-protected = der Agent behandelt es als geschütztes Konto
explain-barred-account-disabled = es ist deaktiviert
explain-barred-account-expired = das Konto ist abgelaufen
explain-barred-locked-for-good = die Verwaltung hat es gesperrt
explain-barred-gone = es ist nicht mehr da
explain-barred-out-of-scope = es liegt außerhalb des Teils, den der Agent bedient
explain-barred-other = es kann jetzt nicht bedient werden

explain-limit-code-try = Versuche mit gesendeten Codes
explain-limit-app-try = Versuche mit Codes der App
explain-limit-help-desk-try = Versuche mit Codes vom Helpdesk
explain-limit-password-try = Versuche mit dem jetzigen Passwort
explain-limit-operator = Anmeldeversuche von Betreuern
explain-limit-method-change = Änderungen an Methoden
explain-limit-code-send = Codes für dieses Konto
explain-limit-destination = Codes an diese Adresse oder Nummer
explain-limit-notice = Hinweise an diese Nummer
explain-limit-country-hour = SMS in dieses Land in einer Stunde
explain-limit-country-day = SMS in dieses Land an einem Tag
explain-limit-sms-budget = die heutigen SMS der Organisation
explain-limit-sms-notices = die heutigen Hinweise der Organisation per SMS
explain-limit-mail-budget = die heutigen Codes der Organisation per E-Mail
explain-limit-network = was aus einem Netz kommen darf

explain-lack-not-offered = ihre Richtlinie nimmt sie nicht
explain-lack-missing = ist nicht vorhanden
explain-lack-cooling-off = weist vor { $when } nichts nach
explain-lack-stopped = stillgelegt, weil es eine Kopie geben kann
explain-lack-used-up = kein Code ist übrig
explain-way-waits = muss warten bis { $when }: { $what }, aufgebraucht
explain-lack-behind-password = es öffnet sich mit eben dem vergessenen Passwort
explain-lack-country = in dieses Land gehen keine SMS
explain-lack-not-alone = nur zusammen mit einer anderen Methode der Person

## The help desk invites somebody

mail-invitation-subject = Setzen Sie ein neues Passwort bei { $tenant }
mail-invitation-intro = Der Helpdesk von { $tenant } bittet Sie, selbst ein neues Passwort für Ihr Konto zu setzen.
mail-invitation-then = Dort weisen Sie nach, dass Sie es sind, und wählen dann ein Passwort, das sonst niemand erfährt. Haben Sie nicht mit dem Helpdesk gesprochen, brauchen Sie nichts zu tun: Es wurde nichts geändert.
sms-invitation = { $tenant }: Der Helpdesk bittet Sie, selbst ein neues Passwort zu setzen: { $page }

## Finding people

people-find = Name, Anmeldename, Adresse oder Telefon
people-find-hint = Namensanfänge in beliebiger Reihenfolge; eine E-Mail-Adresse nur ganz; von einer Telefonnummer die letzten vier Ziffern oder mehr.
people-find-some = Sie sehen nur die Mitglieder Ihrer Gruppen.
people-find-go = Suchen
people-count = { $count ->
    [one] Eine Person
   *[other] { $count } Personen
}
people-more = Die ersten { $most }. Es gibt mehr: Bitte tippen Sie weiter.
people-begin = Person suchen
people-begin-text = Geben Sie ein, was Sie wissen: einen Teil des Namens, womit sich die Person anmeldet, oder das Ende der Telefonnummer.
people-nobody = Niemand heißt so
people-nobody-text = Prüfen Sie die Schreibweise, oder versuchen Sie etwas anderes, das Sie wissen. Wer neu im Verzeichnis ist, erscheint hier binnen Minuten, wenn der Agent den Teil des Verzeichnisses liest.
people-sign-in = Anmeldename
people-directory = Verzeichnis
people-state-active = Aktiv
people-state-disabled = Im Verzeichnis deaktiviert
people-state-protected = Geschütztes Konto
people-state-frozen = Gesperrt
people-state-gone = Nicht mehr im Verzeichnis

## One person

people-accounts = Konten
people-place-first = geht voran: dieses Konto folgt ihm
people-place-follows = folgt
people-reached = Erreichbar unter
people-reached-nowhere = Nirgends: das Verzeichnis hat keine Adresse und keine Nummer
people-policy = Richtlinie
people-policy-none = Keine gilt
people-privileged = privilegiert: mehr wird verlangt
people-locked = Ausgesperrt
people-locked-yes = Ja
people-locked-no = Nein
people-locked-at = laut Verzeichnis um { $when }
people-locked-unknown = Nicht bekannt: das Verzeichnis wurde kürzlich nicht gefragt
people-look = Das Verzeichnis jetzt fragen
people-why = Warum kann diese Person zurücksetzen?
people-why-not = Warum kann diese Person nicht zurücksetzen?
people-can = Nichts, was hier bekannt ist, steht im Weg.
people-why-note = Daneben gibt es eine Grenze für jedes Netz, aus dem jemand kommt. Welches das ist, weiß man erst, wenn die Person kommt.
people-gate-open = ja
people-gate-shut = nein
people-gate-unknown = nicht bekannt
people-place-connectors = Anbindungen
people-place-account = Jenes Konto
people-place-below = Auf dieser Seite
people-ways = Wege, sich auszuweisen
people-way-works = funktioniert
people-limits = Geltende Grenzen
people-limits-none = Keine: Die Person muss auf nichts warten.
people-limits-until = bis { $when }
people-limits-text = Werden sie aufgehoben, kann die Person sofort weitermachen, und wer die Versuche verbraucht hat, auch. Vergewissern Sie sich, dass es die Person selbst war.
people-limits-lift = Diese Grenzen aufheben
people-freeze = Sperre
people-freeze-text = Solange ein Konto gesperrt ist, wird von hier nichts zurückgesetzt, entsperrt oder geändert, und was läuft, endet. Die Person erfährt es. Was das Verzeichnis selbst erlaubt, bleibt unberührt.
people-freeze-reason = Warum? Für alle, die danach nachsehen
people-freeze-go = Dieses Konto sperren
people-frozen-by = Gesperrt seit { $when }, durch { $who }
people-unfreeze-text = Die Person wird wieder bedient und erfährt es. Methoden der letzten zwei Wochen müssen erneut abkühlen.
people-unfreeze = Sperre aufheben
people-help = Helfen
people-invite = Die Person macht es selbst
people-invite-text = Sie bekommt an jede hinterlegte Adresse eine Nachricht, wo sie ein neues Passwort setzen kann. Dort weist sie sich aus wie jeder andere.
people-invite-go = Nachricht senden
people-code = Code für einen Anruf
people-code-text = Vergewissern Sie sich nach den Regeln Ihres Hauses, dass es wirklich die Person ist. Lassen Sie sich dann die Nummer vorlesen, die ihre Seite zeigt; Sie bekommen einen Code, der dort wirkt und nirgends sonst.
people-code-number = Nummer auf ihrer Seite
people-code-go = Code erzeugen
people-code-title = Code für { $name }
people-code-read = Lesen Sie vor:
people-code-once = Wird nur dieses eine Mal gezeigt. Er wirkt zehn Minuten lang, in dem Browser, der die Nummer zeigt. Die Person erfährt, dass der Helpdesk einen Code vergeben hat.
people-code-not-taken = Ihre Richtlinie nimmt keinen Code vom Helpdesk.
people-code-no-page = Unter dieser Nummer wartet keine Seite der Person. Lassen Sie sie noch einmal vorlesen, oder neu beginnen.
people-unlock = Entsperren
people-unlock-text = Das Passwort bleibt, wie es ist. Die Person erfährt es.
people-unlock-go = Konto entsperren
people-method-remove = Entfernen …
people-method-remove-text = Danach weist es nichts mehr nach und kann nicht zurückgeholt werden. Die Person erfährt es an jeder hinterlegten Adresse. Nur für das, was sie verloren hat oder jemand anders in Händen hält: Vergewissern Sie sich, dass es wirklich die Person ist.
people-method-remove-go = Endgültig entfernen
people-not-gone = Diese Person ist nicht mehr im Verzeichnis: Für sie ist nichts zu tun.
people-not-yourself = Das ist Ihr eigenes Konto. Sie können es ansehen, aber niemand handelt hier für sich selbst: Nutzen Sie Ihre eigene Kontoseite.
people-not-above = Sie können diese Person ansehen, aber nicht für sie handeln: Sie bedient diese Konsole in einer Rolle, die nicht unter Ihrer liegt.
people-activity = Zuletzt
people-activity-about = So, wie es auf der Seite ihres Kontos steht.
people-activity-none = In den letzten 90 Tagen ist nichts geschehen.
people-activity-what = Was
people-activity-when = Wann
people-activity-who = Wer
people-activity-from = Woher
people-activity-odd = vielleicht jemand anders
people-who-user = die Person selbst
people-who-agent = Agent
people-who-cli = Kommandozeile
people-who-house = Der Dienst
people-back = Zurück zu { $name }

people-said-frozen = Das Konto ist gesperrt, und die Person erfährt es.
people-said-too-late = Das Konto ist gesperrt. Einen Auftrag hatte ein Agent schon in der Hand: Er ließ sich nicht zurückrufen. Unten sehen Sie, wie er ausging.
people-said-lifted = Die Sperre ist aufgehoben, und die Person erfährt es.
people-said-limits = Die Grenzen sind aufgehoben: Die Person kann sofort weitermachen.
people-said-no-limits = Es gab nichts aufzuheben.
people-said-removed = Es ist entfernt, und die Person erfährt es.
people-said-gone = Es war nicht mehr da. Nichts wurde geändert.
people-said-invited = Die Nachricht ist unterwegs.
people-said-nowhere = Nichts wurde gesendet: Es ist keine Adresse hinterlegt, oder es wurde zuletzt sehr oft geschrieben.
people-said-looked = Das Verzeichnis hat geantwortet.
people-said-busy = Ein Agent arbeitet gerade an einem anderen Auftrag dieses Kontos. Bitte versuchen Sie es in einigen Sekunden wieder.
people-said-not-served = Diese Person wird zurzeit nicht bedient: Unten sehen Sie, warum.
people-said-is-frozen = Das Konto ist gesperrt: Heben Sie das zuerst auf.
people-said-not-ready = Das geht jetzt nicht: Unten sehen Sie, ob das Zurückschreiben, der Agent oder das Verzeichnis fehlt.
people-said-off = Entsperren ohne neues Passwort ist für ihr Verzeichnis nicht eingeschaltet.

people-job = Auftrag
people-job-title = Für { $name }
people-job-waits = Wartet auf einen Agenten
people-job-now = Ein Agent ist dabei
people-job-unlocked = Das Konto ist entsperrt.
people-job-not-locked = Das Konto war nicht ausgesperrt: Es gab nichts zu tun.
people-job-locked-again = Es wurde entsperrt und ist wieder ausgesperrt: Etwas versucht weiter ein altes Passwort, oft ein Telefon oder ein Netzlaufwerk.
people-job-done = Erledigt.
people-job-expired = Kein Agent hat es rechtzeitig übernommen. Nichts wurde geändert.
people-job-superseded = Etwas Neueres ist an seine Stelle getreten. Dieser Auftrag hat nichts geändert.
people-job-unknown = Ein Agent hatte es und hat nicht geantwortet: Es kann geschehen sein. Fragen Sie das Verzeichnis.
people-job-refused = Es wurde nicht ausgeführt.
people-job-code = Das Wort des Agenten dafür: { $code }
people-job-again = Noch einmal nachsehen

problem-own-account-title = Das ist Ihr eigenes Konto
problem-own-account-text = In der Konsole handelt niemand für sich selbst. Nutzen Sie Ihre eigene Kontoseite. Nichts wurde geändert.
problem-person-gone-title = Diese Person ist nicht mehr im Verzeichnis
problem-person-gone-text = Von hier ist für sie nichts zu tun. Nichts wurde geändert.

## A temporary password

temporary-title = Vorläufiges Passwort
temporary-for = Vorläufiges Passwort für { $name }
temporary-text = Dieser Browser macht ein Passwort und versiegelt es für die Agenten Ihrer Organisation. Es wird sofort im Verzeichnis gesetzt, entsperrt das Konto und muss bei der nächsten Anmeldung geändert werden. Die Person erfährt es und wird auf ihrer Kontoseite abgemeldet.
temporary-care = Nur, wenn sie sich selbst nicht ausweisen kann. Vergewissern Sie sich nach den Regeln Ihres Hauses, dass es wirklich die Person ist. Konten in verknüpften Verzeichnissen behalten ihr Passwort.
temporary-go = Vorläufiges Passwort machen und setzen
temporary-script = Diese Seite braucht JavaScript: Das Passwort wird in Ihrem Browser gemacht und versiegelt, damit kein Server es erfährt.
temporary-making = Wird gemacht und versiegelt …
temporary-waiting = Warten auf das Verzeichnis …
temporary-set = Es ist gesetzt. Lesen Sie es vor, oder übergeben Sie es:
temporary-set-open = Es ist gesetzt, aber das Verzeichnis hat nicht angenommen, dass es bei der nächsten Anmeldung geändert werden muss. Bitten Sie die Person, es zu ändern.
temporary-unknown = Ein Agent hatte es und hat nicht geantwortet: Es kann gesetzt sein. Geht das alte Passwort nicht mehr, ist es dieses:
temporary-refused = Das Verzeichnis oder der Agent hat es abgelehnt. Nichts wurde geändert.
temporary-once = Wird gezeigt, bis Sie diese Seite verlassen, und dann nie wieder.
people-temporary = Vorläufiges Passwort
people-temporary-not = Nicht für diese Person: Die Selbsthilfe bedient sie nicht, oder sie ist in einer privilegierten Gruppe. Setzen Sie das Passwort im Verzeichnis selbst.
people-temporary-text = Für jemanden, der nichts mehr nachweisen kann. Es wird in Ihrem Browser gemacht und versiegelt, Ihnen einmal gezeigt und muss bei der nächsten Anmeldung geändert werden. Die Person erfährt es.
people-temporary-go = Vorläufiges Passwort …
people-job-temporary = Das vorläufige Passwort ist gesetzt. Gezeigt wurde es in dem Fenster, in dem es gemacht wurde, und nirgends sonst.
people-job-must-change-not-set = Das vorläufige Passwort ist gesetzt, aber das Verzeichnis hat nicht angenommen, dass es bei der nächsten Anmeldung geändert werden muss.

people-method-off = Eine Methode entfernen
people-switched-off = Für Ihre Organisation ausgeschaltet. Ein Inhaber oder Administrator kann es unter Einstellungen einschalten.
people-switched-off-go = Zu den Einstellungen
problem-act-off-title = Das ist ausgeschaltet
problem-act-off-text = In Ihrer Organisation darf das niemand für Personen tun. Nichts wurde geändert. Ein Inhaber oder Administrator kann es unter Einstellungen einschalten.
